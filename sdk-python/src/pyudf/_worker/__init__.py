"""The process that runs user functions for the engine.

A request's way through it: ``servicer`` takes it from the stream, ``calls`` hands it to the one
thread that runs user code, ``wire`` turns buffers into Python values and back, ``execute`` calls
the function, ``failure`` says which rows raised, ``output`` turns what the function printed into
log lines. ``groups`` reads which rows belong together and sends what they keep, whose bytes are
``states``' and ``frames``' business. ``serve`` starts and ends the process.

It knows functions only by their frozen definition in ``pyudf.functions``. ``pyudf.worker`` is its
only caller.
"""
