# SPDX-License-Identifier: Apache-2.0
"""podtrace as in a pod: a service account below /run/secrets, and where its API server is. In a mount namespace of its
own, so that nothing of it is left."""

import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / 'api'))

from standin import make_ca, make_certificate  # noqa: E402  pylint: disable=wrong-import-position

ACCOUNT = '/run/secrets/kubernetes.io/serviceaccount'
SCRIPT = f'mount -t tmpfs none /run && mkdir -p {ACCOUNT} && cp "$0"/ca.crt "$0"/token {ACCOUNT}/ && exec "$@"'


def make(folder) -> pathlib.Path:
    """Token and CA; the certificate of a server on this machine."""
    make_ca(folder)
    pathlib.Path(folder, 'token').write_text('secret', encoding='ascii')
    return make_certificate(folder)


def prefix(folder) -> list:
    return ['unshare', '-m', 'sh', '-c', SCRIPT, str(folder)]


def env(port) -> dict:
    return {'KUBERNETES_SERVICE_HOST': '127.0.0.1', 'KUBERNETES_SERVICE_PORT': str(port), 'NODE_NAME': 'node-1'}
