"""Where Darkroom does better than what was recorded, and the recording is corrected before it is played.

protocol.md marks each of these as a defect not to copy, or says what to send instead. CORRECTIONS maps the beginning of a
case's name to a function that corrects its steps in place.
"""


def refused(*numbers):
    """An uncaught exception of the original (500) for a faulty request is a 400 here: it is no fault of the server."""
    def correct(steps):
        for n in numbers:
            assert steps[n]["reply"]["status"] == 500
            steps[n]["reply"] = {"status": 400}
            steps[n]["no_body"] = True
    return correct


def both(*corrections):
    def correct(steps):
        for one in corrections:
            one(steps)
    return correct


def mask_upload_without_its_picture(steps):
    """f03: nothing was written, yet the original answers 200 with a name."""
    for n, status in ((3, 404), (5, 403)):
        assert steps[n]["reply"]["status"] == 200
        steps[n]["reply"] = {"status": status}
        steps[n]["no_body"] = True


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
    import copy
    import json
    text = json.dumps(fresh["messages"]).replace("<prompt_id:4>", "<prompt_id:6>").replace("<run>nan", "<run>same_nan")
    again["messages"] = copy.deepcopy(json.loads(text))


def circle_in_a_made_graph(steps):
    """x18: an execution_error, yet the original's history says success."""
    entry = steps[3]["reply"]["json"]["<prompt_id:1>"]
    assert entry["status"]["status_str"] == "success"
    entry["status"]["status_str"], entry["status"]["completed"] = "error", False
    # The end without an error is not told either.
    entry["status"]["messages"] = [m for m in entry["status"]["messages"] if m[0] != "execution_success"]
    steps[2]["messages"] = [m for m in steps[2]["messages"] if m.get("type") != "execution_success"]


CORRECTIONS = {
    "f02": refused(4, 5, 7),
    "f03": both(refused(6, 7, 8), mask_upload_without_its_picture),
    "f06": refused(33, 34),
    "i06": refused(5, 6),
    "q01": refused(15),
    "q02": refused(20, 21, 28),
    "v01": refused(0, 1, 4, 7, 8, 9, 10, 12, 13),
    "v16": circle_in_the_prompt,
    "w07": refused(7),
    "x05": every_nan_differs,
    "x07": refused(9),
    "x18": circle_in_a_made_graph,
    "x31": refused(4),
}
