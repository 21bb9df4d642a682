"""Where Darkroom does better than what was recorded, and the recording is corrected before it is played.

protocol.md marks each of these as a defect not to copy, or says what to send instead. CORRECTIONS maps the beginning of a
case's name to a function that corrects its steps in place.
"""
import json



REFUSED = {"status": 400, "headers": {"content-type": "application/json; charset=utf-8"}, "json": {"error": "<object>", "node_errors": {}}}


def refused(*numbers):
    """An uncaught exception of the original (500) for a faulty request is a 400 with an error object here (§3.1, §3.7)."""
    def correct(steps):
        for n in numbers:
            assert steps[n]["reply"]["status"] == 500
            steps[n]["reply"] = REFUSED
    return correct


def both(*corrections):
    def correct(steps):
        for one in corrections:
            one(steps)
    return correct


def mask_upload_without_its_picture(steps):
    """f03: nothing was written, yet the original answers 200 with a name."""
    for n, status in ((3, 404), (5, 400)):
        assert steps[n]["reply"]["status"] == 200
        steps[n]["reply"] = {**REFUSED, "status": status}


def active_content_is_an_attachment(steps):
    """f06: pages, scripts, styles and SVG are attachments that no browser runs (§3.6, §12)."""
    for step in steps:
        if step["method"] == "GET" and step["path"].endswith((".html", ".js", ".css", ".svg")):
            headers = step["reply"]["headers"]
            headers["content-type"] = "application/octet-stream"
            headers["content-disposition"] = "attachment; " + headers["content-disposition"]


def own_texts(steps):
    """i01: descriptions and tooltips of built-in classes are in our own words."""
    for step in steps:
        for name, info in step["reply"]["json"].items():
            if name in ("SaveImage", "PreviewImage"):
                info["description"] = "<str>"
                for spec in info["input"]["required"].values():
                    if len(spec) > 1 and "tooltip" in spec[1]:
                        spec[1]["tooltip"] = "<str>"


def null_is_no_id(steps):
    """p03: a prompt_id of null becomes the text "None" in the original."""
    text = json.dumps(steps)
    assert '"None"' in text
    steps[:] = json.loads(text.replace('"None"', '"<re:[0-9a-f-]{36}>"'))


def null_is_no_extra_data(steps):
    """v01: extra_data null beside a client_id is an uncaught exception in the original; absent and null are one here."""
    assert steps[13]["reply"]["status"] == 500
    steps[13]["reply"] = {"status": 200, "headers": REFUSED["headers"], "json": {"prompt_id": "<str>", "number": "<number:+0>", "node_errors": {}}}


def an_interrupted_job_is_cancelled(steps):
    """x29: jobs that were interrupted are told apart from failed ones, as newer versions do (§12)."""
    job = steps[9]["reply"]["json"]
    assert job["status"] == "failed"
    job["status"] = "cancelled"


def circle_in_the_prompt(steps):
    """v16: the original refuses without naming a node; newer versions say where the circle is (§12)."""
    reply = steps[0]["reply"]["json"]
    assert reply["node_errors"] == {}
    error = {"errors": [{"type": "dependency_cycle", "message": "Dependency cycle detected", "details": "<str>", "extra_info": "<object>"}],
             "dependent_outputs": ["3"], "class_type": "RT_Add"}
    reply["node_errors"] = {"1": error, "2": dict(error)}


def every_nan_differs(steps):
    """x05: one and the same NaN object counts as unchanged in the original, by Python's identity."""
    assert steps[9]["json"]["prompt"]["1"]["inputs"]["mode"] == "same_nan"
    fresh, again = steps[8], steps[12]  # what a NaN that differs looks like, and what was recorded for the same one
    text = json.dumps(fresh["messages"]).replace("<prompt_id:4>", "<prompt_id:6>").replace("<run>nan", "<run>same_nan")
    again["messages"] = json.loads(text)


def circle_in_a_made_graph(steps):
    """x18: an execution_error, yet the original's history says success."""
    entry = steps[3]["reply"]["json"]["<prompt_id:1>"]
    assert entry["status"]["status_str"] == "success"
    entry["status"]["status_str"], entry["status"]["completed"] = "error", False
    # The end without an error is not told either.
    entry["status"]["messages"] = [m for m in entry["status"]["messages"] if m[0] != "execution_success"]
    steps[2]["messages"] = [m for m in steps[2]["messages"] if m.get("type") != "execution_success"]


def nobody_goes_deaf(steps):
    """w05: a second socket of an id takes over its messages; what is for all reaches both, and the newer still hears when the older has closed (§4.1)."""
    assert [step["messages"] for step in steps if step["op"] == "ws_read"] == [[], [{"type": "rt.ping", "data": {"n": 1}}], [], [{"type": "rt.ping", "data": {"n": 2}}], []]
    steps[6]["messages"] = steps[7]["messages"]
    steps[-1]["messages"] = [{"type": "rt.ping", "data": {"n": n}} for n in (3, 4)]


CORRECTIONS = {
    "f02": refused(4, 5, 7),
    "f03": mask_upload_without_its_picture,
    "f06": active_content_is_an_attachment,
    "i01": own_texts,
    "p03": null_is_no_id,
    "v01": both(refused(0, 1, 4, 7, 8, 9, 10, 12), null_is_no_extra_data),
    "v16": circle_in_the_prompt,
    "w05": nobody_goes_deaf,
    "x05": every_nan_differs,
    "x18": circle_in_a_made_graph,
    "x29": an_interrupted_job_is_cancelled,
}
