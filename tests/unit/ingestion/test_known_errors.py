"""What a sender or a vendor has to put right is found among the causes of dlt's own errors."""

from ingestion.deliveries import DeliveryError
from ingestion.pipeline import _known_error


def chain(*errors: Exception) -> Exception:
    for error, cause in zip(errors, errors[1:], strict=False):
        error.__cause__ = cause
    return errors[0]


def test_it_is_found_however_deep():
    wrong = DeliveryError("the file is cut")
    assert _known_error(chain(ValueError(), KeyError(), wrong)) is wrong


def test_errors_that_cause_each_other_hold_nobody_up():
    first, second = ValueError(), KeyError()
    assert _known_error(chain(first, second, first)) is None
