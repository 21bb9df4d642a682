"""Inputs of prompts that are addresses: fetched, checked, deduplicated, and never from where users must not look."""
import concurrent.futures
import io
import threading
import uuid

import pytest
from identities import bearer, with_auth
from model_hub import Hub
from PIL import Image

from harness import Server, empty_image, wait_for

OPEN = ("--outbound-allow", "127.0.0.1")


def picture(color="red", size=8, bytes=0):
    """A PNG; `bytes`: so long, by what stands behind its end."""
    out = io.BytesIO()
    Image.new("RGB", (size, size), color).save(out, "PNG")
    return out.getvalue() + b"\0" * max(0, bytes - out.tell())


def loaded(*urls):
    """Each picture saved again; nodes 1, 3, 5, ... load."""
    prompt = {}
    for i, url in enumerate(urls):
        prompt[str(2 * i + 1)] = {"class_type": "LoadImage", "inputs": {"image": url}}
        prompt[str(2 * i + 2)] = {"class_type": "SaveImage", "inputs": {"images": [str(2 * i + 1), 0], "filename_prefix": "copy"}}
    return prompt


def fetched(server, room=""):
    return sorted(path.name for path in (server.base / "input" / room / "url").glob("*"))


def refusal(reply, node="1"):
    """What is said of the input of a refused prompt."""
    assert reply.status_code == 400, reply.text
    body = reply.json()
    assert body["error"]["type"] == "prompt_outputs_failed_validation"
    (error,) = body["node_errors"][node]["errors"]
    assert error["type"] == "input_url_refused" and error["extra_info"]["input_name"] == "image"
    assert error["details"] in body["error"]["details"]
    return error["details"]


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("open") / "base", *OPEN, "--max-upload-size", "1", test_worker=True) as running:
        yield running


@pytest.fixture
def web(hub):
    hub.answer = lambda request: Hub.send(request, 200, picture("#" + uuid.uuid5(uuid.NAMESPACE_URL, request.path).hex[:6]))
    return hub


def test_a_picture_by_its_address(open_server, hub):
    data = picture("#336699")
    hub.answer = lambda request: Hub.send(request, 200, data, Set_Cookie="a=b")
    before = fetched(open_server)
    for name in ("/one.jpg?signature=secret", "/two"):
        entry = open_server.run(loaded(hub.url + name))
        (image,) = entry["outputs"]["2"]["images"]
        assert Image.open(io.BytesIO(open_server.view(image))).convert("RGB").getpixel((0, 0)) == (0x33, 0x66, 0x99)
        stored = entry["prompt"][2]["1"]["inputs"]["image"]
        assert stored.startswith("url/") and stored.endswith(".png")
    assert len(set(fetched(open_server)) - set(before)) == 1, "the same content is one file"
    assert open_server.get("/view", params={"filename": stored[4:], "subfolder": "url", "type": "input"}).content == data
    for _, headers in hub.requests:
        assert not {"cookie", "authorization", "referer"} & set(headers)


def test_an_address_is_fetched_once_a_prompt(open_server, web):
    open_server.run(loaded(web.url + "/a", web.url + "/a"))
    assert len(web.requests) == 1


def test_an_upload_may_name_an_address(open_server, web):
    reply = open_server.http.post("/upload/image", files={"url": (None, web.url + "/upload")})
    assert reply.status_code == 200, reply.text
    assert reply.json()["subfolder"] == "url" and reply.json()["type"] == "input"
    assert reply.json()["name"] in fetched(open_server)
    refused = open_server.http.post("/upload/image", files={"url": (None, "http://127.0.0.2/x.png")})
    assert refused.status_code == 400 and refused.json()["error"]["type"] == "input_url_refused"


def test_what_is_not_public_is_not_reached(server, web):
    for url in (web.url + "/x", web.url.replace("127.0.0.1", "localhost"), "http://169.254.169.254/latest/meta-data", "http://[::ffff:127.0.0.1]/", "http://0x7f000001/"):
        assert "no address of the public Internet" in refusal(server.post("/prompt", {"prompt": loaded(url)}))
    assert web.requests == [] and fetched(server) == []
    assert "user name" in refusal(server.post("/prompt", {"prompt": loaded("http://a:b@example.org/")}))


def test_a_redirect_is_not_followed_to_what_is_not_public(open_server, hub):
    before = fetched(open_server)
    hub.answer = lambda request: Hub.send(request, 302, Location=f"http://127.0.0.2:{hub.port}/inner")
    assert "127.0.0.2 is no address of the public Internet" in refusal(open_server.post("/prompt", {"prompt": loaded(hub.url + "/start")}))
    assert [path for path, _ in hub.requests] == ["/start"] and fetched(open_server) == before


@pytest.mark.parametrize("data, words", [
    (b"<html>sign in</html>", "no image"),
    (b"ID3\4" + b"\0" * 100, "no image"),
    (picture()[:40], ""),
    (b"\x89PNG\r\n\x1a\n" + b"nothing" * 50, ""),
    (b"", "no image"),
])
def test_what_is_no_picture_is_refused(open_server, hub, data, words):
    hub.answer = lambda request: Hub.send(request, 200, data, Content_Type="image/png")
    before = fetched(open_server)
    assert words in refusal(open_server.post("/prompt", {"prompt": loaded(hub.url + "/x.png")}))
    assert fetched(open_server) == before


def test_a_file_at_the_limit(open_server, hub):
    limit = 1 << 20
    hub.answer = lambda request: Hub.send(request, 200, picture("#010203", bytes=limit))
    open_server.run(loaded(hub.url))
    before = fetched(open_server)
    hub.answer = lambda request: Hub.send(request, 200, picture("#010204", bytes=limit + 1))
    assert f"larger than {limit} bytes" in refusal(open_server.post("/prompt", {"prompt": loaded(hub.url)}))
    assert fetched(open_server) == before


def test_addresses_of_a_prompt_have_a_limit(open_server, web):
    urls = [f"{web.url}/limit/{i}" for i in range(17)]
    open_server.run(loaded(*urls[:16]))
    before = fetched(open_server)
    assert "16 addresses" in refusal(open_server.post("/prompt", {"prompt": loaded(*[url + "b" for url in urls])}), "33")
    assert fetched(open_server) == before, "files that came for a refused prompt go again"


def test_nothing_stays_of_a_prompt_that_is_refused_for_something_else(open_server, web):
    prompt = loaded(web.url + "/kept")
    name = open_server.run(prompt)["prompt"][2]["1"]["inputs"]["image"].removeprefix("url/")
    before = fetched(open_server)
    for path in ("/kept", "/other"):
        prompt = loaded(web.url + path)
        prompt["2"]["inputs"]["images"] = ["9", 0]
        assert open_server.post("/prompt", {"prompt": prompt}).status_code == 400
        assert fetched(open_server) == before
    assert name in before, "what an earlier job uses stays"


def test_only_inputs_that_take_uploads_take_addresses(open_server, web):
    prompt = loaded(web.url + "/x")
    prompt["2"]["inputs"]["filename_prefix"] = web.url + "/not-fetched"
    open_server.post("/prompt", {"prompt": prompt})
    assert [path for path, _ in web.requests] == ["/x"]


def test_https_wants_a_certificate_that_is_trusted(own, certificate):
    web = Hub(trust=certificate)
    web.answer = lambda request: Hub.send(request, 200, picture("green"))
    try:
        stranger = own(*OPEN, test_worker=True)
        assert "not trusted" in refusal(stranger.post("/prompt", {"prompt": loaded(web.url + "/x")}))
        assert fetched(stranger) == [] and web.requests == []
        friend = own(*OPEN, test_worker=True, env={"SSL_CERT_FILE": certificate[0]})
        friend.run(loaded(web.url + "/x"))
        plain = Hub()
        web.answer = lambda request: Hub.send(request, 302, Location=plain.url + "/x")
        assert "from https to http" in refusal(friend.post("/prompt", {"prompt": loaded(web.url + "/y")}))
        assert plain.requests == []
        plain.close()
    finally:
        web.close()


def test_it_can_be_switched_off(own, web):
    one = own(*OPEN, "--outbound", "off", test_worker=True)
    assert "--outbound off" in refusal(one.post("/prompt", {"prompt": loaded(web.url + "/x")}))
    assert web.requests == []


def test_a_slow_server_is_not_waited_for(open_server, hub):
    def trickle(request):
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        for byte in picture():
            request.wfile.write(bytes([byte]))
            if over.wait(1):
                return

    over = threading.Event()
    hub.answer = trickle
    before = fetched(open_server)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(open_server.post, "/prompt", {"prompt": loaded(hub.url)})
        wait_for(lambda: hub.requests, 10, "it is asked for")
        assert open_server.run(empty_image("meanwhile"))["status"]["completed"], "others are served meanwhile"
        assert "in time" in refusal(asked.result(timeout=50))
    over.set()
    assert fetched(open_server) == before


def test_requests_that_wait_for_files_have_a_limit(open_server, hub):
    release = threading.Event()

    def hold(request):
        release.wait(25)
        Hub.send(request, 200, picture("blue"))

    hub.answer = hold
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        asked = [pool.submit(open_server.post, "/prompt", {"prompt": loaded(f"{hub.url}/{i}")}) for i in range(32)]
        wait_for(lambda: len(hub.requests) == 32, 20, "all are asked for")
        one_more = open_server.post("/prompt", {"prompt": loaded(hub.url + "/more")})
        release.set()
        assert all(one.result().status_code == 200 for one in asked)
    assert one_more.status_code == 429 and int(one_more.headers["retry-after"]) > 0


def test_each_user_has_its_own_files_and_share(tmp_path, web):
    with with_auth(tmp_path / "base", *OPEN, "--user-uploads", "2", test_worker=True) as shared:
        anna, bob = (shared.as_somebody(bearer(name)) for name in ("anna", "bob"))
        entry = anna.run(loaded(web.url + "/secret"))
        name = entry["prompt"][2]["1"]["inputs"]["image"].removeprefix("url/")
        assert fetched(shared, "users/anna") == [name] and fetched(shared) == [] and fetched(shared, "users/bob") == []
        where = {"filename": name, "subfolder": "url", "type": "input"}
        assert anna.get("/view", params=where).status_code == 200
        assert bob.get("/view", params=where).status_code == 404
        assert anna.post("/prompt", {"prompt": loaded(web.url + "/2")}).status_code == 200
        spent = anna.post("/prompt", {"prompt": loaded(web.url + "/3")})
        assert spent.status_code == 429 and int(spent.headers["retry-after"]) > 0
        assert bob.post("/prompt", {"prompt": loaded(web.url + "/3")}).status_code == 200
