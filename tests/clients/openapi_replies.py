"""Real replies of a server beside its OpenAPI document. Standard input has the requests, a JSON list of {"method", "path", "address", "status", "json"?}: `path` is
the document's own, `address` what is asked."""
import json
import sys

import requests
import schemathesis

server = sys.argv[1]
document = schemathesis.openapi.from_url(f"{server}/openapi.json")
said = []
for one in json.load(sys.stdin):
    reply = requests.request(one["method"], server + one["address"], json=one.get("json"), timeout=60)
    document[one["path"]][one["method"]].validate_response(reply)
    assert reply.status_code == one["status"], (one, reply.status_code, reply.text[:300])
    said.append(reply.status_code)
print(json.dumps(said))
