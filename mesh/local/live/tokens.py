"""The page's own tokens: for one tap, good for an hour, of somebody who may write to it."""

import datetime as dt

from mesh.grants.keys import SigningKey
from mesh.grants.tokens import issue
from tap_runtime.settings import TapSettings

_LIFETIME = dt.timedelta(hours=1)
_RENEWED = dt.timedelta(minutes=30)


def sender(settings: TapSettings, today: dt.date) -> str | None:
    """Somebody who may write today, those whose grant does not end first."""
    able = (writer for writer in settings.writers if writer.until is None or writer.until >= today.isoformat())
    return next((writer.person for writer in sorted(able, key=lambda writer: writer.until is not None)), None)


class Tokens:
    """Makes a token when one is asked for, and the same one again for half its life."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str, str, str], tuple[dt.datetime, str]] = {}

    def token(self, key: SigningKey, settings: TapSettings, now: dt.datetime) -> str | None:
        """None where the tap asks for none, or nobody may write."""
        person = sender(settings, now.date())
        if settings.public or person is None:
            return None
        wanted = (key.kid, settings.issuer, settings.tap, person)
        made, token = self._made.get(wanted, (dt.datetime.min.replace(tzinfo=dt.UTC), ""))
        if now - made > _RENEWED:
            token = issue(key, settings.issuer, person, (settings.tap,), _LIFETIME, now)
            self._made[wanted] = (now, token)
        return token
