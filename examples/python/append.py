"""
Appends messages to a plan of an Indelible server, from Python, with nothing but the standard library.

    indelible serve
    seq 1 1000 | python3 examples/python/append.py http://127.0.0.1:4000 counting

Each line of standard input becomes a message. Whatever happens in between (the database is stopped, the server is
started anew, an answer is lost) no line is lost, none is there twice, and they stay in their order. Two things do that:

- A message is given its id once, before it is first sent. Sent again under that id it is the same message.
- The next message is sent when the one before is safe: 200 (in the database) or 202 (on the disk of the server).
"""
import http.client
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid


class Plan:
    """A plan, as one agent writes to it. https://…/api/v1/docs describes the calls."""

    def __init__(self, server, plan_id, agent_name):
        self.url = f"{server}/api/v1/plans/{urllib.parse.quote(plan_id, safe='')}"
        self.agent_name = agent_name

    def append(self, content, message_id=None, **others):
        """Returns when the message is safe, however long that takes. Raises if it is refused for good."""
        message_id = message_id or str(uuid.uuid4())
        message = {"agent_name": self.agent_name, "content": content, "message_id": message_id, **others}
        return self.call("POST", "/messages", message)

    def draft(self, message_id, text):
        """Shows the text so far of the message that is being written."""
        quoted = urllib.parse.quote(message_id, safe="")
        return self.call("PUT", f"/drafts/{quoted}", {"agent_name": self.agent_name, "text": text})

    def call(self, method, path, body):
        while True:
            pause = 1.0
            request = urllib.request.Request(self.url + path, json.dumps(body).encode(), method=method)
            request.add_header("content-type", "application/json")
            try:
                with urllib.request.urlopen(request, timeout=10) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                if error.code not in (429, 502, 503, 504):
                    raise RuntimeError(f"{error.code}: {error.read().decode()}") from error
                pause = float(error.headers.get("retry-after") or pause)
            except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:  # no answer, or half of one
                print(f"{error}; trying again", file=sys.stderr)
            time.sleep(pause)


if __name__ == "__main__":
    server, plan_id = sys.argv[1:3]
    plan = Plan(server, plan_id, "Counter")
    for line in sys.stdin:
        answer = plan.append(line.rstrip("\n"))
        print(answer["status"], answer.get("sequence", "-"), flush=True)
