"""An S3 server on loopback with a bucket named "archive", until standard input is closed. Signatures are checked.

The first line on standard output is its address and the key that may use it. Then each line on standard input is a
command, and is answered by a line:

    put FILE KEY            puts an object into the bucket
    change FILE KEY READS   puts it after so many further reads of the one that is there
    remove KEY READS        removes it after so many further reads
    reads                   how many reads of objects there were since this was asked last
"""

import json
import os
import sys

# Requests before signatures are checked: those that make the key and the bucket.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"

import boto3
from moto.moto_server import threaded_moto_server as server_module
from moto.s3.models import s3_backends

BUCKET = "archive"
reads = 0
waiting = {}  # by key: reads that are left, and what then happens


def store():
    return s3_backends["123456789012"]["aws"]


def put(file, key):
    with open(file, "rb") as content:
        store().put_object(BUCKET, key, content.read())


class Application(server_module.DomainDispatcherApplication):
    """Counts reads, and changes objects between them."""

    def __call__(self, environ, start_response):
        global reads
        bucket, _, key = environ["PATH_INFO"].lstrip("/").partition("/")
        if environ["REQUEST_METHOD"] == "GET" and bucket == BUCKET and key:
            reads += 1
            left, change = waiting.pop(key, (None, None))
            if left == 0:
                change()
            elif left is not None:
                waiting[key] = (left - 1, change)
        return super().__call__(environ, start_response)


def obey(command, *words):
    global reads
    match command, words:
        case "put", (file, key):
            put(file, key)
        case "change", (file, key, after):
            waiting[key] = (int(after), lambda: put(file, key))
        case "remove", (key, after):
            waiting[key] = (int(after), lambda: store().delete_object(BUCKET, key))
        case "reads", ():
            n, reads = reads, 0
            return str(n)
    return "done"


def make_key(endpoint):
    anyone = {"aws_access_key_id": "anyone", "aws_secret_access_key": "anyone"}
    anyone |= {"endpoint_url": endpoint, "region_name": "us-east-1"}
    all_of_s3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [all_of_s3]})
    iam = boto3.client("iam", **anyone)
    iam.create_user(UserName="radar")
    iam.put_user_policy(UserName="radar", PolicyName="all", PolicyDocument=policy)
    key = iam.create_access_key(UserName="radar")["AccessKey"]
    boto3.client("s3", **anyone).create_bucket(Bucket=BUCKET)
    return key["AccessKeyId"], key["SecretAccessKey"]


server_module.DomainDispatcherApplication = Application
server = server_module.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"
print(endpoint, *make_key(endpoint), flush=True)
for line in sys.stdin:
    print(obey(*line.split()), flush=True)
server.stop()
