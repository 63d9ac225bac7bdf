"""What drivers in Python share: the verbs come by the command line, answers go out as one JSON object a line."""

import json
import sys
import threading


def say(**line):
    print(json.dumps(line), flush=True)


def to_end():
    """An event that is set when the harness says that the verb is to end."""
    event = threading.Event()

    def wait():
        sys.stdin.read()
        event.set()

    threading.Thread(target=wait, daemon=True).start()
    return event


def values_of(task):
    return [f"{task['prefix']}-{n}".encode() for n in range(task["count"])]


def text_of(bytes_or_none):
    return None if bytes_or_none is None else bytes_or_none.decode()


def refusal(attempt):
    """Says with what words the client refuses; nothing when it does not."""
    try:
        attempt()
    except Exception as error:
        say(refused=f"{type(error).__name__}: {error}")


def drive(verbs):
    """Carries out the verb; what it raises ends the program with a traceback and exit code 1."""
    verb, task = sys.argv[1], json.loads(sys.argv[2])
    verbs[verb](task)
    say(done=True)
