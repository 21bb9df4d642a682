#!/usr/bin/env python3
"""Records what the nodes of a running ComfyUI server answer, one file a node class.

    cp -r probe_pack BASE/custom_nodes/ && start the server with --base-directory BASE
    python3 record.py http://127.0.0.1:8188 cases_text.py [NodeClass ...]

A file of cases defines CASES = {"NodeClass": [inputs, ...]}. An input is a constant, or L(value) for something that comes over
a link (tensors by T(shape, data), dicts and lists by D(...) and LIST(...)), or MANY([...]) for a link that gives a list.
"""
import json
import pathlib
import sys
import time
import urllib.error
import urllib.request


class L:
    def __init__(self, value):
        self.value = value


class MANY:
    def __init__(self, values):
        self.values = values


def T(shape, data, dtype=None):
    out = {"shape": list(shape), "data": [float(x) for x in data]}
    if dtype:
        out["dtype"] = dtype
    return out


def D(**items):
    return {"dict": items}


def LIST(*items):
    return {"list": list(items)}


def random_tensor(seed, *shape, low=0.0, high=1.0, steps=64):
    """Multiples of 1/steps from a small generator of our own, so that sums are exact and files stay short."""
    count = 1
    for size in shape:
        count *= size
    state, data = seed * 2654435761 % 2**32 or 1, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        data.append(low + (high - low) * ((state >> 8) % (steps + 1)) / steps)
    return T(shape, data)


def request(server, path, body=None):
    message = urllib.request.Request(server + path, None if body is None else json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        return json.loads(urllib.request.urlopen(message).read())
    except urllib.error.HTTPError as error:
        return {"refused": json.loads(error.read() or b"{}")}


def ask(server, node_class, inputs, slots):
    graph, arguments = {}, {}
    for number, (name, value) in enumerate(inputs.items()):
        if isinstance(value, (L, MANY)):
            key = f"in{number}"
            many = isinstance(value, MANY)
            graph[key] = {"class_type": "ProbeList" if many else "ProbeMake", "inputs": {"json": json.dumps(value.values if many else value.value)}}
            arguments[name] = [key, 0]
        else:
            arguments[name] = value
    graph["node"] = {"class_type": node_class, "inputs": arguments}
    for slot in range(slots):
        graph[f"out{slot}"] = {"class_type": "ProbeDump", "inputs": {"value": ["node", slot]}}
    reply = request(server, "/prompt", {"prompt": graph})
    if "prompt_id" not in reply or reply.get("node_errors"):
        return {"refused": [e["type"] + ": " + e["details"] for n in reply.get("refused", reply).get("node_errors", {}).values() for e in n["errors"]]}
    for _ in range(3000):
        entry = request(server, "/history/" + reply["prompt_id"]).get(reply["prompt_id"])
        if entry:
            break
        time.sleep(0.02)
    result = {}
    if slots:
        if entry["status"]["status_str"] == "success":
            result["outputs"] = [json.loads(entry["outputs"][f"out{slot}"]["json"][0]) for slot in range(slots)]
    elif entry["status"]["status_str"] == "success":
        result["outputs"] = []
    for kind, data in entry["status"]["messages"]:
        if kind == "execution_error":
            return {"error": data["exception_type"], "message": data["exception_message"].strip(), "at": data["node_type"]}
    if "node" in entry["outputs"]:
        result["ui"] = entry["outputs"]["node"]
    return result


def short(value):
    """Nine digits tell any float32."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {k: short(v) for k, v in value.items()}
    return [short(v) for v in value] if isinstance(value, list) else value


def plain(value):
    if isinstance(value, L):
        return {"link": value.value}
    if isinstance(value, MANY):
        return {"links": value.values}
    return value


def record(server, node_class, cases, folder):
    info = request(server, "/object_info/" + node_class)[node_class]
    made = []
    for inputs in cases:
        answer = ask(server, node_class, inputs, len(info["output"]))
        made.append({"inputs": {k: plain(v) for k, v in inputs.items()}, **short(answer)})
    lines = ",\n  ".join(json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in made)
    (folder / f"{node_class}.json").write_text('{"node": "%s", "cases": [\n  %s\n]}\n' % (node_class, lines))
    print(node_class, len(made), "cases,", sum("error" in c or "refused" in c for c in made), "of them errors")


if __name__ == "__main__":
    server, source, *only = sys.argv[1:]
    here = pathlib.Path(__file__).resolve().parent
    names = {"L": L, "MANY": MANY, "T": T, "D": D, "LIST": LIST, "random_tensor": random_tensor}
    exec(compile((here / source).read_text(), source, "exec"), names)
    for node_class, cases in names["CASES"].items():
        if not only or node_class in only:
            record(server, node_class, cases, here)
