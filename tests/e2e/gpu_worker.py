#!/usr/bin/env python3
"""A worker that says what one on a GPU would: the real darkroom-worker behind this program, with figures of a GPU's memory in its pongs and its device.

$GPU_WORKER_FREE is a file with the free bytes of the GPU; the real worker is $GPU_WORKER_PROGRAM."""
import json
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys

TOTAL = 16 << 30


def changed(record):
    """A record of the link (src/messages/wire.hpp): u32 length, u8 version, u32 length of the JSON, JSON, bytes."""
    size, = struct.unpack_from("<I", record, 5)
    data, rest = json.loads(record[9:9 + size]), record[9 + size:]
    if data["kind"] == "hello":
        data["device"].update(type="cuda", index=0)
    elif data["kind"] == "pong":
        data.update(vram_total=TOTAL, vram_free=int(pathlib.Path(os.environ["GPU_WORKER_FREE"]).read_text()))
    else:
        return record
    text = json.dumps(data).encode()
    return struct.pack("<IBI", 5 + len(text) + len(rest), record[4], len(text)) + text + rest


def main():
    at = sys.argv.index("--fd") + 1
    gateway = socket.socket(fileno=int(sys.argv[at]))
    gateway.setblocking(True)
    ours, theirs = socket.socketpair()
    others = [int(value) for flag, value in zip(sys.argv, sys.argv[1:]) if flag == "--door"]
    arguments = sys.argv[1:at] + [str(theirs.fileno())] + sys.argv[at + 1:]
    worker = subprocess.Popen([os.environ["GPU_WORKER_PROGRAM"], *arguments], pass_fds=[theirs.fileno(), *others])
    theirs.close()
    waiting = b""
    while True:
        ready, _, _ = select.select([gateway, ours], [], [])
        if gateway in ready:
            piece = gateway.recv(1 << 16)
            if not piece:
                break
            ours.sendall(piece)
        if ours in ready:
            piece = ours.recv(1 << 16)
            if not piece:
                break
            waiting += piece
            while len(waiting) >= 4 and len(waiting) >= 4 + struct.unpack_from("<I", waiting)[0]:
                end = 4 + struct.unpack_from("<I", waiting)[0]
                gateway.sendall(changed(waiting[:end]))
                waiting = waiting[end:]
    ours.close()
    worker.wait()


main()
