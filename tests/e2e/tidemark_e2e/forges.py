"""The push webhooks of git servers as they document them (the addresses stand in sync/listen/push_event.hpp and sync/listen/push_signature.hpp); signed by Python's
own hmac."""

import base64
import hashlib
import hmac
import json
from urllib.parse import urlencode, urlsplit

MADE = "0" * 40


def mac(secret, body):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Forge:
    name = event_header = None
    push, ping = "push", None

    def payload(self, url, ref, commit):
        raise NotImplementedError

    def headers(self, event):
        return {self.event_header: event, "Content-Type": "application/json"}

    def signature(self, secret, body):
        raise NotImplementedError

    def call(self, secret, url, ref="refs/heads/main", commit=MADE, event=None, body=None):
        """(headers, body) of a push to the repository at `url`; unsigned without a secret."""
        body = json.dumps(self.payload(url, ref, commit)).encode() if body is None else body
        return {**self.headers(event or self.push), **(self.signature(secret, body) if secret else {})}, body


def path_of(url):
    return urlsplit(url).path.strip("/").removesuffix(".git")


class Github(Forge):
    name, event_header, ping = "github", "X-GitHub-Event", "ping"

    def payload(self, url, ref, commit):
        page = url.removesuffix(".git")
        return {
            "ref": ref,
            "before": MADE,
            "after": commit,
            "repository": {
                "id": 1,
                "full_name": path_of(url),
                "html_url": page,
                "git_url": url.replace("http://", "git://"),
                "ssh_url": f"git@{urlsplit(url).hostname}:{path_of(url)}.git",
                "clone_url": url,
                "default_branch": "main",
            },
            "pusher": {"name": "someone"},
            "commits": [{"id": commit, "message": "text", "added": ["file"]}],
            "head_commit": {"id": commit},
        }

    def headers(self, event):
        return {**super().headers(event), "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958", "User-Agent": "GitHub-Hookshot/044aadd"}

    def signature(self, secret, body):
        # It is signed by SHA-1 as well, which is not looked at.
        return {
            "X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, hashlib.sha1).hexdigest(),
            "X-Hub-Signature-256": "sha256=" + mac(secret, body),
        }


class GithubForm(Github):
    """With the content type that GitHub's page proposes."""

    def call(self, secret, url, ref="refs/heads/main", commit=MADE, event=None, body=None):
        body = urlencode({"payload": json.dumps(self.payload(url, ref, commit))}).encode()
        headers, body = super().call(secret, url, body=body, event=event)
        return {**headers, "Content-Type": "application/x-www-form-urlencoded"}, body


class Gitlab(Forge):
    name, event_header, push = "gitlab", "X-Gitlab-Event", "Push Hook"

    def payload(self, url, ref, commit):
        return {
            "object_kind": "tag_push" if ref.startswith("refs/tags/") else "push",
            "event_name": "push",
            "before": MADE,
            "after": commit,
            "ref": ref,
            "checkout_sha": commit,
            "project": {
                "id": 15,
                "web_url": url.removesuffix(".git"),
                "git_ssh_url": f"git@{urlsplit(url).hostname}:{path_of(url)}.git",
                "git_http_url": url,
                "path_with_namespace": path_of(url),
                "default_branch": "main",
            },
            "commits": [{"id": commit, "message": "text"}],
            "total_commits_count": 1,
        }

    def headers(self, event):
        return {**super().headers(event), "X-Gitlab-Instance": "https://gitlab.example", "X-Gitlab-Event-UUID": "13792a34-cac6-4fda-95a8-c58e00a3954e"}

    def signature(self, secret, body):
        return {"X-Gitlab-Token": secret}


class GitlabSigned(Gitlab):
    """With a signing token."""

    def signature(self, secret, body):
        identity, time = "f5e5f430-f57b-4e6e-9fac-d9128cd7232f", "1614265330"
        key = base64.b64decode(secret.removeprefix("whsec_"))
        made = hmac.new(key, f"{identity}.{time}.".encode() + body, hashlib.sha256).digest()
        return {"webhook-id": identity, "webhook-timestamp": time, "webhook-signature": "v1," + base64.b64encode(made).decode()}


class Gitea(Github):
    name, event_header, ping = "gitea", "X-Gitea-Event", None

    def headers(self, event):
        return {"Content-Type": "application/json", **{name: event for name in ("X-Gitea-Event", "X-Gogs-Event", "X-GitHub-Event")}}

    def signature(self, secret, body):
        made = mac(secret, body)
        return {**super().signature(secret, body), "X-Gitea-Signature": made, "X-Gogs-Signature": made}


class Forgejo(Gitea):
    name, event_header = "forgejo", "X-Forgejo-Event"

    def headers(self, event):
        return {**super().headers(event), "X-Forgejo-Event": event}

    def signature(self, secret, body):
        return {**super().signature(secret, body), "X-Forgejo-Signature": mac(secret, body)}


class Bitbucket(Forge):
    event_header = "X-Event-Key"

    def signature(self, secret, body):
        return {"X-Hub-Signature": "sha256=" + mac(secret, body)}


class BitbucketCloud(Bitbucket):
    name, push = "bitbucket", "repo:push"

    def payload(self, url, ref, commit):
        kind, _, name = ref.removeprefix("refs/").partition("/")
        new = {"type": {"heads": "branch", "tags": "tag"}[kind], "name": name, "target": {"type": "commit", "hash": commit}}
        page = f"https://{urlsplit(url).hostname}/{path_of(url)}"
        links = {"self": {"href": "https://api.example/2.0/repositories/x/y"}, "html": {"href": page}}
        return {
            "actor": {"type": "user"},
            "repository": {"type": "repository", "full_name": path_of(url), "links": links},
            "push": {"changes": [{"new": new, "old": None, "created": True, "commits": [{"hash": commit, "type": "commit"}]}]},
        }

    def headers(self, event):
        return {**super().headers(event), "X-Hook-UUID": "a", "X-Request-UUID": "b", "X-Attempt-Number": "1"}


class BitbucketDataCenter(Bitbucket):
    name, push, ping = "bitbucket", "repo:refs_changed", "diagnostics:ping"

    def payload(self, url, ref, commit):
        clone = [{"href": f"ssh://git@{urlsplit(url).hostname}:7999/{path_of(url)}.git", "name": "ssh"}, {"href": url, "name": "http"}]
        return {
            "eventKey": "repo:refs_changed",
            "repository": {"slug": "r", "project": {"key": "P"}, "links": {"clone": clone, "self": [{"href": "https://b.example/projects/P/repos/r/browse"}]}},
            "changes": [{"ref": {"id": ref, "displayId": ref, "type": "BRANCH"}, "refId": ref, "fromHash": MADE, "toHash": commit, "type": "UPDATE"}],
        }


FORGES = [Github(), GithubForm(), Gitlab(), GitlabSigned(), Gitea(), Forgejo(), BitbucketCloud(), BitbucketDataCenter()]
