"""The web kit: `tap.js` collects what happens on a page; `demo.py` shows it at work under `tapmesh dev`."""
