"""Who somebody is: tokens, logins, tickets and visitors (docs/hosting.md), and that nobody passes without being known."""
import json
import socket
import subprocess
import time

import httpx
import pytest
from harness import BIN, Server, empty_image
from identities import AUTH_FILE, SECRET, bearer, ticket, token
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A server that wants tokens, asked without any."""
    base = tmp_path_factory.mktemp("closed")
    (base / "auth.yaml").write_text(AUTH_FILE)
    with Server(base, "--auth", str(base / "auth.yaml"), headers=bearer("root")) as running:
        yield running


@pytest.fixture(scope="module")
def nobody(closed):
    return closed.as_somebody({})


@pytest.fixture
def anna(closed):
    return closed.as_somebody(bearer("anna"))


def status_of(action):
    """Of a WebSocket handshake: 101 or why it was refused."""
    try:
        with action():
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


# ---- tokens

ROUTES = ["/prompt", "/queue", "/history", "/object_info", "/system_stats", "/view?filename=a.png", "/userdata?dir=", "/settings", "/models", "/restore/info",
          "/restore/jobs", "/results/a/result.png", "/auth/me", "/auth/tokens", "/internal/logs", "/ws", "/api/queue", "/no/such/path"]


@pytest.mark.parametrize("path", ROUTES)
def test_nobody_passes_without_a_token(nobody, path):
    reply = nobody.get(path)
    assert reply.status_code == 401, path
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert "set-cookie" not in reply.headers
    assert json.loads(reply.text)["error"], reply.text


@pytest.mark.parametrize("path", ["/prompt", "/queue", "/history", "/interrupt", "/free", "/upload/image", "/restore", "/userdata/a.json", "/auth/ticket", "/auth/tokens"])
def test_nobody_changes_anything_without_a_token(nobody, path):
    assert nobody.post(path, {}).status_code == 401


def test_a_browser_is_sent_to_the_login(nobody):
    reply = nobody.get("/?a=1", headers={"Accept": "text/html,*/*"}, follow_redirects=False)
    assert (reply.status_code, reply.headers["Location"], reply.headers["Cache-Control"]) == (303, "login?next=%2F%3Fa%3D1", "no-store")
    # Relative to the page, however deep: a proxy may have put a path before it.
    for path, location in (("/api/queue", "../login?next=%2Fapi%2Fqueue"), ("/a/b/?c=/d", "../../login?next=%2Fa%2Fb%2F%3Fc%3D%2Fd"), ("/queue", "login?next=%2Fqueue")):
        assert nobody.get(path, headers={"Accept": "text/html"}, follow_redirects=False).headers["Location"] == location
    for path in ("/login", "/restore", "/restore/assets/main.js", "/restore/assets/login.js"):
        assert nobody.get(path).status_code == 200, path


@pytest.mark.parametrize("why, headers", [
    ("expired", bearer("anna", exp=int(time.time()) - 100)),
    ("no time of expiry", bearer("anna", exp=None)),
    ("not valid yet", bearer("anna", nbf=int(time.time()) + 86_400)),
    ("another audience", bearer("anna", aud="else")),
    ("not signed by a key", bearer("anna", secret="x" * 32)),
    ("not signed by a key", bearer("anna", algorithm="none")),
    ("not signed by a key", bearer("anna", algorithm="RS256")),
    ("names no user", bearer("")),
    ("keeps for itself", bearer("local")),
    ("no JSON web token", {"Authorization": "Bearer garbage"}),
    ("unknown, revoked or expired", {"Authorization": "Bearer dk_garbage"}),
    ("token is needed", {"Authorization": "Basic YTpi"}),
])
def test_a_token_that_is_refused(closed, why, headers):
    reply = closed.as_somebody(headers).get("/queue")
    assert reply.status_code == 401 and why in reply.json()["error"]["message"], reply.text


def test_a_token_that_is_believed(closed, anna):
    assert anna.json("/auth/me") == {"name": "anna", "admin": False, "can_sign_out": True}
    assert closed.as_somebody(bearer("root")).json("/auth/me")["admin"] is True
    assert closed.as_somebody({"authorization": "bearer " + token("anna", aud=["else", "darkroom"])}).json("/auth/me")["name"] == "anna"


def test_what_concerns_the_whole_server_is_for_those_who_run_it(closed, anna):
    for path in ("/internal/logs", "/internal/logs/raw", "/internal/folder_paths", "/internal/files/output"):
        assert anna.get(path).status_code == 403 and closed.get(path).status_code == 200, path
    assert anna.post("/free", {"free_memory": True}).status_code == 403
    assert closed.post("/free", {"free_memory": True}).status_code == 200


def test_the_command_makes_tokens_for_tests(closed, tmp_path):
    made = subprocess.run([BIN / "darkroom", "token", "--auth", closed.base / "auth.yaml", "--user", "carla"], capture_output=True, text=True, check=True)
    assert closed.as_somebody({"Authorization": "Bearer " + made.stdout.strip()}).json("/auth/me")["name"] == "carla"
    old = subprocess.run([BIN / "darkroom", "token", "--auth", closed.base / "auth.yaml", "--user", "carla", "--hours", "-1"], capture_output=True, text=True, check=True)
    assert closed.as_somebody({"Authorization": "Bearer " + old.stdout.strip()}).get("/queue").status_code == 401
    for wrong in (["--user", "carla"], ["--auth", tmp_path / "none", "--user", "carla"], ["create"], ["revoke", "none", "--base-directory", tmp_path]):
        done = subprocess.run([BIN / "darkroom", "token", *wrong], capture_output=True, text=True)
        assert done.returncode != 0 and done.stderr, wrong


def test_public_keys(own, tmp_path):
    """RS256 and ES256 with keys of openssl, out of a PEM file and as --auth itself."""
    for name, make in (("rsa", ["genrsa", "-out"]), ("ec", ["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"])):
        private, public = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub"
        subprocess.run(["openssl", *make, private] + (["2048"] if name == "rsa" else []), check=True, capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
        made = subprocess.run([BIN / "darkroom", "token", "--auth", private, "--user", "anna"], capture_output=True, text=True, check=True).stdout.strip()
        server = own("--auth", str(public), "--workers", "0", ready=False, headers={"Authorization": f"Bearer {made}"})
        assert server.json("/auth/me")["name"] == "anna"
        forged = token("anna", secret=public.read_text())
        assert server.as_somebody({"Authorization": f"Bearer {forged}"}).get("/queue").status_code == 401, "the public key is no secret"


# ---- API tokens

def test_api_tokens_by_command_and_by_route(closed, anna):
    made = subprocess.run([BIN / "darkroom", "token", "create", "--base-directory", closed.base, "--user", "anna", "--label", "laptop"],
                          capture_output=True, text=True, check=True).stdout.strip()
    laptop = closed.as_somebody({"Authorization": f"Bearer {made}"})
    assert laptop.json("/auth/me")["name"] == "anna"
    second = anna.post("/auth/tokens", {"label": "phone", "days": 1})
    assert second.status_code == 201 and second.headers["Cache-Control"] == "no-store"
    assert second.json()["expires"] - second.json()["created"] == 24 * 3600
    tokens = laptop.json("/auth/tokens")["tokens"]
    assert {one["label"] for one in tokens} == {"laptop", "phone"} and not any("token" in one for one in tokens)
    bob = closed.as_somebody(bearer("bob"))
    assert bob.json("/auth/tokens")["tokens"] == []
    assert bob.post("/auth/tokens", {"user": "anna"}).status_code == 403
    phone = second.json()["id"]
    assert bob.http.delete(f"/auth/tokens/{phone}").status_code == 404
    assert anna.http.delete(f"/auth/tokens/{phone}").status_code == 200
    assert closed.as_somebody({"Authorization": f"Bearer {second.json()['token']}"}).get("/queue").status_code == 401
    laptop_id = next(one["id"] for one in tokens if one["label"] == "laptop")
    subprocess.run([BIN / "darkroom", "token", "revoke", laptop_id, "--base-directory", closed.base], check=True, capture_output=True)
    assert laptop.get("/queue").status_code == 401
    for body in ({"days": -1}, {"days": 1e9}, {"label": "x" * 201}, []):
        assert anna.post("/auth/tokens", body).status_code == 400, body


def test_api_tokens_alone(own):
    server = own("--auth", "api-tokens", "--workers", "0", ready=False)
    assert server.get("/queue").status_code == 401
    assert "API tokens alone" in server.as_somebody(bearer("anna")).get("/queue").text
    made = subprocess.run([BIN / "darkroom", "token", "create", "--base-directory", server.base, "--user", "anna"], capture_output=True, text=True, check=True)
    assert server.as_somebody({"Authorization": "Bearer " + made.stdout.strip()}).json("/auth/me")["name"] == "anna"


# ---- logins

def log_in(server, text):
    browser = server.as_somebody({})
    reply = browser.post("/auth/login", {"token": text})
    return browser, reply


def test_a_login_is_a_cookie(closed):
    browser, reply = log_in(closed, token("anna"))
    assert reply.json() == {"user": "anna"}
    cookie = reply.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/")) and "Secure" not in cookie
    assert token("anna").split(".")[2] not in cookie, "the token itself is not in it"
    assert browser.json("/auth/me")["name"] == "anna"
    secure = closed.as_somebody({"X-Forwarded-Proto": "https"}).post("/auth/login", {"token": token("anna")})
    assert "Secure" in secure.headers["set-cookie"]
    out = browser.post("/auth/logout")
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert browser.get("/queue").status_code == 401


def test_a_login_that_is_refused(closed):
    for body, status in (({"token": "garbage"}, 401), ({"token": token("anna", exp=1)}, 401), ({"token": ""}, 400), ({}, 400), ([], 400)):
        reply = closed.as_somebody({}).post("/auth/login", body)
        assert reply.status_code == status and "set-cookie" not in reply.headers and reply.json()["error"], body


def test_a_login_ends_with_its_token(closed, anna):
    made = anna.post("/auth/tokens", {}).json()
    browser, _ = log_in(closed, made["token"])
    assert browser.json("/auth/me")["name"] == "anna"
    anna.http.delete(f"/auth/tokens/{made['id']}")
    assert browser.get("/queue").status_code == 401
    short, reply = log_in(closed, token("anna", exp=int(time.time()) + 50))
    assert 40 <= int(reply.headers["set-cookie"].split("Max-Age=")[1].split(";")[0]) <= 50


def test_another_site_can_not_use_a_login(closed):
    browser, _ = log_in(closed, token("anna"))
    for origin in ("https://evil.example", "http://127.0.0.1:1", "null"):
        reply = browser.post("/queue", {"clear": True}, headers={"Origin": origin})
        assert reply.status_code == 403, origin
        cookie = "; ".join(f"{name}={value}" for name, value in browser.http.cookies.items())
        assert status_of(lambda: connect(f"ws://127.0.0.1:{closed.port}/ws", additional_headers={"Cookie": cookie, "Origin": origin})) == 403
    assert browser.post("/queue", {"clear": True}, headers={"Origin": closed.url}).status_code == 200
    assert status_of(lambda: connect(f"ws://127.0.0.1:{closed.port}/ws", additional_headers={"Cookie": cookie, "Origin": closed.url})) == 101


def test_a_changed_cookie_is_none(closed):
    browser, reply = log_in(closed, token("anna"))
    value = reply.headers["set-cookie"].split("darkroom_session=")[1].split(";")[0]
    for wrong in (value[:-2] + ("aa" if value[-2:] != "aa" else "bb"), value[1:], "", "a.b", value.split(".")[0], "x" * 5000):
        reply = closed.as_somebody({"Cookie": f"darkroom_session={wrong}"}).get("/queue")
        assert reply.status_code == 401, wrong[:40]
    visitor = closed.as_somebody({"Cookie": f"darkroom_visitor={value}"})
    assert visitor.get("/queue").status_code == 401, "a cookie is good for one purpose"


# ---- WebSockets

def test_sockets_by_header_cookie_and_ticket(closed, anna):
    url = f"ws://127.0.0.1:{closed.port}/ws"
    assert status_of(lambda: connect(url)) == 401
    assert status_of(lambda: connect(url, additional_headers=bearer("anna"))) == 101
    assert status_of(lambda: connect(f"{url}?ticket={ticket(anna)}")) == 101
    assert status_of(lambda: connect(f"ws://127.0.0.1:{closed.port}/ws/progress?ticket={ticket(anna)}")) == 101
    assert status_of(lambda: connect(f"{url}?ticket={ticket(anna)}x")) == 401
    assert status_of(lambda: connect(f"{url}?token={token('anna')}")) == 401, "never the token itself"
    reply = anna.post("/auth/ticket")
    assert reply.json()["expires_in"] == 60 and reply.headers["Cache-Control"] == "no-store"
    assert closed.as_somebody({}).get(f"/queue?ticket={ticket(anna)}").status_code == 401, "it opens sockets alone"


def test_sockets_end_with_their_token(closed, anna):
    made = anna.post("/auth/tokens", {}).json()
    laptop = closed.as_somebody({"Authorization": f"Bearer {made['token']}"})
    url = f"ws://127.0.0.1:{closed.port}/ws"
    with connect(f"{url}?ticket={ticket(laptop)}") as by_ticket, connect(url, additional_headers=bearer("anna", exp=int(time.time()) + 2)) as short:
        old = ticket(laptop)
        anna.http.delete(f"/auth/tokens/{made['id']}")
        for ws in (by_ticket, short):
            with pytest.raises(ConnectionClosed) as closing:
                while True:
                    ws.recv(timeout=10)
            assert closing.value.rcvd.code == 1008
    assert status_of(lambda: connect(f"{url}?ticket={old}")) == 401


def test_a_ticket_is_for_sockets_alone(closed, anna):
    forged = closed.as_somebody({"Upgrade": "websocket", "Connection": "Upgrade"})
    one = ticket(anna)
    for path in ("/history", "/queue", "/auth/me", "/restore/jobs"):
        assert forged.get(f"{path}?ticket={one}").status_code == 401, path
    for path in ("/auth/tokens", "/auth/ticket", "/prompt"):
        assert forged.post(f"{path}?ticket={one}", {}).status_code == 401, path


def test_bodies_of_strangers_are_short(nobody, anna):
    over = "x" * (16 * 1024)
    for path in ("/auth/login", "/auth/logout"):
        assert nobody.post(path, {"token": over}).status_code == 413, path
    assert nobody.post("/auth/login", {"token": "x" * (15 * 1024)}).status_code == 401
    assert anna.post("/auth/tokens", {"label": over}).status_code == 413


def test_another_site_logs_nobody_in(nobody):
    for path in ("/auth/login", "/auth/logout"):
        reply = nobody.http.post(path, content=json.dumps({"token": token("eve")}), headers={"Origin": "https://evil.example", "Content-Type": "text/plain"})
        assert reply.status_code == 403 and "set-cookie" not in reply.headers, path


def test_private_files_are_in_no_shared_cache(anna):
    anna.http.post("/userdata/a.png", content=b"x").raise_for_status()
    assert anna.get("/userdata/a.png").headers["Cache-Control"] == "private, max-age=86400"
    assert anna.get("/results/none/result.png").headers["Cache-Control"] == "no-store"


def test_an_admin_who_was_removed_is_none(tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "auth.yaml").write_text(AUTH_FILE)
    with Server(base, "--auth", str(base / "auth.yaml"), headers=bearer("root")) as server:
        made = server.post("/auth/tokens", {}).json()["token"]
        root = server.as_somebody({"Authorization": f"Bearer {made}"})
        assert root.get("/internal/logs").status_code == 200
        (base / "auth.yaml").write_text(AUTH_FILE.replace("admins: [root]\n", ""))
        time.sleep(1.1)
        assert root.get("/internal/logs").status_code == 403


def test_a_token_file_that_is_damaged(tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "api-tokens.json").write_text("{]")
    server = Server(base, "--auth", "api-tokens", "--workers", "0")
    server.start(ready=False)
    try:
        assert server.as_somebody({"Authorization": "Bearer dk_x"}).get("/queue").status_code == 401
        reply = server.as_somebody({}).post("/auth/login", {"token": "dk_x"})
        assert reply.status_code == 401 and str(base) not in reply.text
        assert "damaged" in server.log_text()
    finally:
        server.stop()


# ---- without auth

def test_a_public_address_wants_auth(tmp_path):
    for listen in ("0.0.0.0", "::", "127.0.0.1,0.0.0.0"):
        done = subprocess.run([BIN / "darkroom", "serve", "--port", "0", "--base-directory", tmp_path / "base", "--listen", listen], capture_output=True, text=True, timeout=20)
        assert done.returncode == 1 and "--auth FILE, or --insecure" in done.stderr, done.stderr
    assert not (tmp_path / "base").exists()


def test_a_file_of_keys_that_is_none(tmp_path):
    for text, word in (("keys: []", "names no key"), ("keys: [{secret: short}]", "32 bytes"), ("keees: 1", "line 1"), (None, "can't be read")):
        file = tmp_path / "auth.yaml"
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text)
        done = subprocess.run([BIN / "darkroom", "serve", "--port", "0", "--base-directory", tmp_path / "base", "--auth", file], capture_output=True, text=True, timeout=20)
        assert done.returncode == 1 and word in done.stderr, done.stderr


def test_on_this_machine_everybody_is_local(server):
    reply = server.get("/auth/me")
    assert reply.json() == {"name": "local", "admin": True, "can_sign_out": False} and "set-cookie" not in reply.headers
    # Such headers are for services that the nodes of a client talk to.
    assert server.get("/auth/me", headers={"Authorization": "Bearer something"}).json()["name"] == "local"
    assert server.get("/auth/me", headers={"comfy-user": "anna"}).json()["name"] == "local", "only with --multi-user"


def own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))  # sends nothing
            address = s.getsockname()[0]
        except OSError:
            return None
        return None if address.startswith("127.") else address


@pytest.mark.parametrize("how", ["address", "proxy"])
def test_visitors_are_told_apart_by_a_cookie(own, how):
    if how == "address":
        address = own_address()
        if not address:
            pytest.skip("this machine has no address but loopback")
        server = own("--insecure", "--listen", "0.0.0.0")
        base, headers = f"http://{address}:{server.port}", {}
    else:
        server = own()
        base, headers = server.url, {"X-Forwarded-For": "203.0.113.7"}
    with httpx.Client(base_url=base, headers=headers) as one, httpx.Client(base_url=base, headers=headers) as other:
        first = one.get("/auth/me")
        name = first.json()["name"]
        assert name.startswith("visitor:") and first.json()["admin"] is False
        cookie = first.headers["set-cookie"]
        assert all(word in cookie for word in ("darkroom_visitor=", "HttpOnly", "SameSite=Lax"))
        again = one.get("/auth/me")
        assert again.json()["name"] == name and "set-cookie" not in again.headers
        assert other.get("/auth/me").json()["name"] not in (name, "local")
        job = one.post("/prompt", json={"prompt": empty_image("v")}).json()["prompt_id"]
        end = time.monotonic() + 20
        while not one.get(f"/history/{job}").json() and time.monotonic() < end:
            time.sleep(0.05)
        assert one.get(f"/history/{job}").json() and other.get(f"/history/{job}").json() == {} and server.json(f"/history/{job}") == {}
        assert one.get("/internal/logs").status_code == 403
        assert one.post("/queue", json={"clear": True}, headers={"Origin": "https://evil.example"}).status_code == 403
        pages = httpx.get(base + "/restore", headers={**headers, "Accept": "text/html"})
        assert "darkroom_visitor=" in pages.headers["set-cookie"], "before the page's scripts ask all at once"
        assert "set-cookie" not in httpx.get(base + "/restore/assets/main.js", headers=headers).headers


def test_names_that_a_client_says_itself(own):
    server = own("--multi-user")
    anna, bob = server.as_somebody({"comfy-user": "anna"}), server.as_somebody({"comfy-user": "bob"})
    entry = anna.run(empty_image("mine"))
    job = entry["prompt"][1]
    assert bob.json(f"/history/{job}") == {} and server.json(f"/history/{job}") == {}
    image = entry["outputs"]["2"]["images"][0]
    assert server.view(image) == bob.view(image), "files are shared, as in ComfyUI: pictures of a page come without the header"
    with server.socket("tab") as ws:
        job = anna.queue(empty_image("again"), client_id="tab")
        while json.loads(ws.recv(timeout=20)).get("data", {}).get("prompt_id") != job:
            pass
