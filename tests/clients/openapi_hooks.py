"""What schemathesis checks beside its own rules (`--checks no_fault_of_our_own`)."""
import schemathesis

# ComfyUI answers 500 where others answer 400: to bodies that are no JSON objects, to numbers that are none, to files that are no pictures. Its clients know
# these replies (tests/data/transcripts), so they are the same here. They have types of their own; a fault of the server is none of them.
AS_COMFYUI = {"invalid_body", "invalid_query", "invalid_json", "invalid_upload", "invalid_mask", "unreadable_picture"}


@schemathesis.check
def no_fault_of_our_own(context, response, case):
    if response.status_code < 500:
        return
    error = response.json().get("error")
    kind = error.get("type") if isinstance(error, dict) else None
    assert response.status_code == 500 and kind in AS_COMFYUI, f"{response.status_code}: {response.text[:300]}"
