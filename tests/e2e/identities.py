"""Users of a server with --auth, and their tokens, made without any of its code."""
import base64
import hashlib
import hmac
import json
import time

from harness import Server

SECRET = "0123456789abcdef0123456789abcdef"
AUTH_FILE = f"""keys:
  - secret: {SECRET}
audience: darkroom
admins: [root]
"""


def _part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(user, secret=SECRET, algorithm="HS256", **claims):
    claims = {"sub": user, "aud": "darkroom", "exp": int(time.time()) + 600, **claims}
    text = ".".join(_part(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT"}, {k: v for k, v in claims.items() if v is not None}))
    return f"{text}.{_part(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())}"


def bearer(user, **claims):
    return {"Authorization": f"Bearer {token(user, **claims)}"}


def with_auth(base, *flags, **kw):
    """A server that knows these tokens, asked as `root`."""
    base.mkdir(parents=True, exist_ok=True)
    (base / "auth.yaml").write_text(AUTH_FILE)
    return Server(base, "--auth", str(base / "auth.yaml"), *flags, headers=bearer("root"), **kw)


def ticket(user_server):
    reply = user_server.post("/auth/ticket")
    reply.raise_for_status()
    return reply.json()["ticket"]
