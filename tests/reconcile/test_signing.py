"""Signatures are those of the Standard Webhooks specification."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconcile.signing import checked_secret, headers, new_secret


def test_the_specifications_own_example_is_signed_as_it_says() -> None:
    at = datetime.fromtimestamp(1614265330, UTC)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    assert headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}') == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_new_secret_is_one_and_no_two_are_the_same() -> None:
    assert checked_secret(new_secret()).startswith("whsec_")
    assert new_secret() != new_secret()


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", id="without its beginning"),
        pytest.param("whsec_c2hvcnQ=", id="too short"),
        pytest.param("whsec_" + "QUJD" * 30, id="too long"),
        pytest.param("whsec_not base64 at all, but long enough", id="no base64"),
    ],
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        checked_secret(secret)
