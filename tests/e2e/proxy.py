"""A reverse proxy on 127.0.0.1, as one in front of a server: puts a path before its addresses, adds headers, passes WebSockets on."""
import asyncio
import threading

import aiohttp
from aiohttp import WSMsgType, web
from multidict import CIMultiDict
from yarl import URL

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length", "content-encoding"}


class Proxy:
    """`below`: the path before the server's own; `headers`: what every request gets, as {"X-Forwarded-For": …}."""

    def __init__(self, url, below="", headers=None):
        self._target, self._below, self._headers = url, below, headers or {}
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()

        def serve():
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(self._start())
            ready.set()
            self._loop.run_forever()

        threading.Thread(target=serve, daemon=True).start()
        assert ready.wait(10)

    async def _start(self):
        self._client = aiohttp.ClientSession(auto_decompress=True, cookie_jar=aiohttp.DummyCookieJar())
        app = web.Application(client_max_size=10 ** 8)
        app.router.add_route("*", self._below + "/{path:.*}", self._pass)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}{self._below}"

    async def _pass(self, request):
        at = URL(self._target + request.raw_path[len(self._below):], encoded=True)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP and not name.lower().startswith("sec-websocket")}
        headers.update(self._headers)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._pass_socket(request, at, headers)
        async with self._client.request(request.method, at, headers=headers, data=await request.read() or None, allow_redirects=False) as reply:
            back = CIMultiDict((name, value) for name, value in reply.headers.items() if name.lower() not in HOP_BY_HOP)
            return web.Response(status=reply.status, headers=back, body=await reply.read())

    async def _pass_socket(self, request, at, headers):
        try:
            there = await self._client.ws_connect(at, headers=headers, max_msg_size=0)
        except aiohttp.WSServerHandshakeError as refused:
            return web.Response(status=refused.status)
        here = web.WebSocketResponse(max_msg_size=0)
        await here.prepare(request)

        async def pump(source, target):
            async for message in source:
                await (target.send_bytes(message.data) if message.type == WSMsgType.BINARY else target.send_str(message.data))
            await target.close(code=source.close_code if source.close_code and source.close_code != 1006 else 1000)

        await asyncio.gather(pump(here, there), pump(there, here), return_exceptions=True)
        return here

    def close(self):
        async def end():
            await self._client.close()
            await self._runner.cleanup()
        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
