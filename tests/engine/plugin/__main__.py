"""The plugin as the engine starts it: it prints its port, and serves as long as the engine lives."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from tests.engine.plugin.servicer import Provider

engine = os.getppid()
signal.signal(signal.SIGINT, signal.SIG_DFL)  # how the engine ends its plugins: at once, without Python's traceback on its diagnostics
server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.max_receive_message_length", -1)])
provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
print(port, flush=True)
while os.getppid() == engine:
    time.sleep(0.5)
