"""How a caller signs in to each kind of database that takes a password, with nothing but the variables it is given."""

from __future__ import annotations

# How each kind's own client asks, in the database's container but by the name and the values that callers get.
MYSQL = ("-h", "{HOST}", "-u", "{USER}", "-p{PASSWORD}", "-D", "{DATABASE}", "-N", "-e", "SELECT 'signed in'")
REDIS = '{} -u "$0" --no-auth-warning ping | grep -q PONG && echo signed in'
CURL = 'curl -fsS -o /dev/null "$0/{}" && echo signed in'
QUESTIONS = {
    "postgresql": ("psql", "{URL}", "-tAc", "SELECT 'signed in'"),
    "mysql": ("mysql", *MYSQL),
    "mariadb": ("mariadb", *MYSQL),
    "mongodb": ("mongosh", "--quiet", "{URL}", "--eval", "db.runCommand({{ ping: 1 }}).ok && 'signed in'"),
    "redis": ("sh", "-c", REDIS.format("redis-cli"), "{URL}"),
    "valkey": ("sh", "-c", REDIS.format("valkey-cli"), "{URL}"),
    "clickhouse": ("clickhouse-client", "--user", "{USER}", "--password", "{PASSWORD}", "-q", "SELECT 'signed in'"),
    "elasticsearch": ("sh", "-c", CURL.format("_cat/health"), "{URL}"),
    "meilisearch": (
        "sh",
        "-c",
        'wget -q -O - --header "Authorization: Bearer $1" "$0/keys" && echo signed in',
        "{URL}",
        "{PASSWORD}",
    ),
    "couchdb": ("sh", "-c", CURL.format("_users"), "{URL}"),
    "minio": ("sh", "-c", 'mc -q alias set x "$0" "$1" "$2" && echo signed in', "{URL}", "{USER}", "{PASSWORD}"),
}
# Programs for the caller's container, as these servers' own clients are in no image here.
NATS = """
import json
link = socket.create_connection((url.hostname, url.port), 5)
link.sendall(f"CONNECT {json.dumps({'user': user, 'pass': password, 'verbose': False})}\\r\\nPING\\r\\n".encode())
text = b""
while not (b"PONG" in text or b"-ERR" in text):
    text += link.recv(4096)
print("signed in" if b"PONG" in text else "refused")
"""
# The handshake of AMQP 0-9-1: Start, Start-Ok, Tune (10.30), Tune-Ok and Open of the virtual host, Open-Ok (10.41).
RABBITMQ = """
import struct
link = socket.create_connection((url.hostname, url.port), 5).makefile("rwb", buffering=0)
short = lambda text: bytes([len(text)]) + text
def send(method, body):
    payload = struct.pack(">HH", 10, method) + body
    link.write(struct.pack(">BHL", 1, 0, len(payload)) + payload + bytes([206]))
def receive():
    try:
        head = link.read(7)
        return struct.unpack(">HH", link.read(struct.unpack(">BHL", head)[2] + 1)[:4]) if head else None
    except ConnectionResetError:
        return None
link.write(b"AMQP" + bytes([0, 0, 9, 1]))
receive()
secret = f"\\0{user}\\0{password}".encode()
send(11, struct.pack(">L", 0) + short(b"PLAIN") + struct.pack(">L", len(secret)) + secret + short(b"en_US"))
if receive() == (10, 30):
    send(31, struct.pack(">HLH", 100, 131072, 0))
    send(40, short(unquote(url.path[1:]).encode()) + bytes(2))
    print("signed in" if receive() == (10, 41) else "no such virtual host")
else:
    print("refused")
"""
COMMON = """
import os, socket, sys
from urllib.parse import urlsplit, unquote
url = urlsplit(os.environ[sys.argv[1]])
user, password = unquote(url.username or ""), sys.argv[2] or unquote(url.password or "")
"""
# Each is given the name of the variable with the URL, and a password that takes the place of the one in it.
QDRANT = """
import urllib.request
asked = urllib.request.Request(url.geturl() + "/collections", headers={"api-key": password})
print("signed in" if urllib.request.urlopen(asked, timeout=5).status == 200 else "refused")
"""
PROGRAMS = {"qdrant": COMMON + QDRANT, "nats": COMMON + NATS, "rabbitmq": COMMON + RABBITMQ}
