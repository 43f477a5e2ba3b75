"""HTTP to servers of this machine, with the words of httpx.

A client of httpx reads all certificate authorities first, which takes more CPU than most of our calls, also where no TLS is spoken: these share what
was read once.
"""

import ssl
from functools import partial

import httpx

_AUTHORITIES = ssl.create_default_context()

Client = partial(httpx.Client, verify=_AUTHORITIES)
request = partial(httpx.request, verify=_AUTHORITIES)
get = partial(httpx.get, verify=_AUTHORITIES)
post = partial(httpx.post, verify=_AUTHORITIES)
