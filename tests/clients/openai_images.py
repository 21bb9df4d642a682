"""The official openai package: pictures drawn and edited, a stream, and what is refused. One word says which of these."""
import asyncio
import base64
import io
import json
import sys
import urllib.request
from pathlib import Path

import openai
from PIL import Image

server, folder, what = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
client = openai.OpenAI(base_url=f"{server}/v1", api_key=sys.argv[4] if len(sys.argv) > 4 else "none", max_retries=0)
SIZE = "64x64"


def looked_at(data):
    picture = Image.open(io.BytesIO(data))
    return {"size": picture.size, "format": picture.format, "corner": picture.convert("RGB").getpixel((0, 0))}


def decoded(item):
    return looked_at(base64.b64decode(item.b64_json))


def fetched(item):
    with urllib.request.urlopen(item.url) as reply:
        return {"url": item.url, **looked_at(reply.read())}


def generate():
    two = client.images.generate(prompt="a red fox", size=SIZE, n=2, quality="low", extra_body={"seed": 7})
    again = client.images.generate(prompt="a red fox", size=SIZE, n=2, quality="low", extra_body={"seed": 7})
    jpeg = client.images.generate(prompt="a red fox", size="64x96", quality="low", output_format="jpeg", output_compression=60)
    by_address = client.images.generate(prompt="a red fox", model="dall-e-2", size=SIZE, quality="standard")
    webp = client.images.generate(prompt="a red fox", response_format="url", size=SIZE, quality="low", output_format="webp")
    return {"two": [decoded(item) for item in two.data], "same": [item.b64_json for item in two.data] == [item.b64_json for item in again.data],
            "seed": two.model_extra["seed"], "created": two.created, "jpeg": decoded(jpeg.data[0]),
            "urls": [fetched(by_address.data[0]), fetched(webp.data[0])]}


def models():
    names = [model.id for model in client.models.list()]
    chosen = client.images.generate(prompt="a red fox", model=names[1], size=SIZE, quality="low")
    return {"names": names, "one": client.models.retrieve(names[0]).owned_by, "chosen": decoded(chosen.data[0])}


def edit():
    plain = client.images.edit(image=open(folder / "photo.png", "rb"), prompt="in winter", quality="low")
    scaled = client.images.edit(image=[open(folder / "photo.png", "rb")], prompt="in winter", quality="low", n=2, size="128x64")
    masked = client.images.edit(image=open(folder / "photo.png", "rb"), mask=open(folder / "mask.png", "rb"), prompt="in winter", quality="low", size=SIZE,
                                extra_body={"seed": 3})
    return {"plain": decoded(plain.data[0]), "scaled": [decoded(item) for item in scaled.data], "masked": decoded(masked.data[0])}


def stream():
    events = list(client.images.generate(prompt="a red fox", size=SIZE, stream=True, partial_images=1))
    edits = list(client.images.edit(image=open(folder / "photo.png", "rb"), prompt="in winter", quality="low", stream=True))
    return {"types": [event.type for event in events], "pictures": [decoded(event) for event in events], "edits": [event.type for event in edits]}


def together():
    async def run():
        several = openai.AsyncOpenAI(base_url=client.base_url, api_key=client.api_key, max_retries=0)
        return await asyncio.gather(*(several.images.generate(prompt=f"fox {n}", size=SIZE, quality="low") for n in range(3)))
    return [decoded(reply.data[0]) for reply in asyncio.run(run())]


def refused(call):
    try:
        call()
    except openai.APIStatusError as error:
        return {"class": type(error).__name__, "status": error.status_code, "message": error.message, "type": error.type,
                "code": error.code, "param": error.param}
    return None


def errors():
    draw = client.images.generate
    photo = lambda: open(folder / "photo.png", "rb")
    return {name: refused(call) for name, call in {
        "n": lambda: draw(prompt="x", n=11),
        "empty": lambda: draw(prompt=""),
        "size": lambda: draw(prompt="x", size="63x64"),
        "huge": lambda: draw(prompt="x", size="64000x64"),
        "background": lambda: draw(prompt="x", background="transparent"),
        "model": lambda: client.models.retrieve("gpt-image-1"),
        "no picture": lambda: client.images.edit(image=b"these are words", prompt="x"),
        "mask": lambda: client.images.edit(image=photo(), mask=open(folder / "small.png", "rb"), prompt="x"),
        "two": lambda: client.images.edit(image=[photo(), photo()], prompt="x"),
    }.items()}


def one():
    """One picture, or how it was refused."""
    made = []
    failure = refused(lambda: made.append(client.images.generate(prompt="a red fox", size=SIZE, quality="low", response_format="url")))
    return failure or {"url": made[0].data[0].url}


print(json.dumps({"generate": generate, "models": models, "edit": edit, "stream": stream, "together": together, "errors": errors, "one": one}[what]()))
