"""How TLS is spoken here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from OpenSSL import SSL

from toutdoux.core.words import Refusal, say

if TYPE_CHECKING:
    from .certificate import Identity


def context_for(identity: Identity) -> SSL.Context:
    """TLS as it is spoken here, with one certificate. Raises `Refusal` if it is too weak for it."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(
        SSL.OP_NO_COMPRESSION
        | SSL.OP_NO_RENEGOTIATION
        | SSL.OP_CIPHER_SERVER_PREFERENCE
        | SSL.OP_NO_TICKET
    )
    # No request follows another, so nothing is kept to make the next one's handshake shorter.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(b"ECDHE+AESGCM:ECDHE+CHACHA20")
    # The short one first: it is strong enough for everybody, and a handshake is a tenth quicker.
    context.set_tls13_ciphersuites(
        b"TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384"
    )
    # SSL_MODE_NO_AUTO_CHAIN: not to look at every handshake for who vouches for the certificate;
    # SSL_MODE_RELEASE_BUFFERS: who waits takes little memory.
    context.set_mode(0x08 | 0x10)
    try:
        context.use_certificate(identity.certificate)
        for one in identity.chain[1:]:
            context.add_extra_chain_cert(one)
        context.use_privatekey(identity.key)
    except SSL.Error as error:
        raise Refusal(
            say("the certificate cannot be used: {problem}", problem=_reason(error)),
            say("bring one with an ECDSA or Ed25519 key, or an RSA key of 2048 bits or more"),
        ) from None
    # That a client shows a certificate is welcome; it shows that it has the key (TLS sees to that),
    # and nobody needs to vouch for it. `ssl` can't be told so: that is why it isn't used here.
    context.set_verify(SSL.VERIFY_PEER, _anybody)
    return context


def _anybody(*about: object) -> bool:
    return True


def _reason(error: SSL.Error) -> str:
    """What OpenSSL says, in its own words."""
    told = error.args[0] if error.args else ()
    return str(told[-1][-1]) if told else str(error)
