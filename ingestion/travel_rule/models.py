"""IVMS101 and its envelope as pydantic models: what a travel-rule message may look like.

Belongs here: the shape, in every spelling senders use (the 2020 and the 2023 edition, camelCase with `VASP` or `Vasp`,
PascalCase, snake_case). Not here: files, and what a message becomes in the warehouse (`parse`).

No error of these models quotes a value: the values are personal data.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

STATUSES = (
    "SAVED", "MISSING_BENEFICIARY_DATA", "NEW", "WAITING_FOR_INFORMATION", "SENT", "REJECTED", "DECLINED", "ACK",
    "CANCELLED", "INCOMPLETE", "ACCEPTED", "NOT_READY",
)  # fmt: skip
"""Notabene's TransactionStatus."""

_SPELLINGS = {
    "originatorperson": "persons", "originatorpersons": "persons", "beneficiaryperson": "persons",
    "beneficiarypersons": "persons", "accountnumbers": "accountnumber", "nameidentifiers": "nameidentifier",
    "naturalpersonnameidentifiertype": "nameidentifiertype", "legalpersonnameidentifiertype": "nameidentifiertype",
    "geographicaddresses": "geographicaddress", "customernumber": "customeridentification",
    "transferid": "transferreference", "identitypayload": "ivms101", "identity": "ivms101",
}  # fmt: skip
_UNREAD = {
    "localnameidentifier", "localnameidentifiers", "phoneticnameidentifier", "phoneticnameidentifiers", "subdepartment",
    "floor", "room", "districtname", "townlocationname", "transliterationmethod", "transferpath", "payloadmetadata",
    "ivmsversion", "version", "protocol", "callback", "notes",
}  # fmt: skip
"""Members of IVMS101 and of envelopes that nothing is read from."""
_VASPS = ("originatingvasp", "beneficiaryvasp", "intermediaryvasp")


def _instant(value: Any) -> datetime:
    """ISO text with an offset (or none: UTC) as naive UTC; a number is not taken for a time."""
    if not isinstance(value, str) or len(value) < 19:
        raise ValueError("is no ISO time")
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise ValueError("is no ISO time") from None


def _amount(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError("is no number")
    return value


def _code(value: Any) -> Any:
    """A code without the long prefix that the protobuf spelling gives it: NATIONAL_IDENTIFIER_TYPE_CODE_LEIX."""
    return value.rpartition("_CODE_")[2] if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=False)]
Given = Annotated[str, StringConstraints(strict=True, min_length=1, pattern=r"\S")]
Code = Annotated[Text, BeforeValidator(_code)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Amount = Annotated[Decimal, BeforeValidator(_amount), Field(ge=0, max_digits=38, decimal_places=18)]


class _Ivms(BaseModel):
    """A member's name counts without case and underscores; null is the same as absent; unknown members are left to
    the whole message, which is kept, and their names go into the validation's context, where that is a set."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _spellings(cls, given: Any, info: ValidationInfo) -> Any:
        if not isinstance(given, dict):
            return given
        found: dict[str, Any] = {}
        for key, value in given.items():
            folded = key.replace("_", "").lower()
            name = _SPELLINGS.get(folded, folded)
            if value is None:
                continue
            if name in found and name in cls.model_fields:
                raise ValueError(f"has the member {name} in two spellings")
            found[name] = value
            if info.context is not None and name not in cls.model_fields and name not in _UNREAD:
                info.context.add(f"{cls.__name__.lower()}.{key}")
        return found


class NameIdentifier(_Ivms):
    """One name: of a person in two parts, or of a legal person in one."""

    primaryidentifier: Text | None = None
    secondaryidentifier: Text | None = None
    legalpersonname: Text | None = None
    nameidentifiertype: Code | None = None

    @property
    def text(self) -> str | None:
        parts = (self.legalpersonname, self.primaryidentifier, self.secondaryidentifier)
        return ", ".join(part.strip() for part in parts if part and part.strip()) or None


class Name(_Ivms):
    """All names of a person; some senders leave out the level between."""

    nameidentifier: list[NameIdentifier] = []

    @model_validator(mode="before")
    @classmethod
    def _one_level(cls, given: Any) -> Any:
        if isinstance(given, list):
            inner = [part.get("nameIdentifier", part) if isinstance(part, dict) else part for part in given]
            return {"nameidentifier": [one for part in inner for one in (part if isinstance(part, list) else [part])]}
        return given

    @property
    def legal(self) -> NameIdentifier | None:
        """The legal name, else the first one that says anything."""
        given = [name for name in self.nameidentifier if name.text]
        return next((name for name in given if name.nameidentifiertype == "LEGL"), given[0] if given else None)


class Address(_Ivms):
    """A postal address, in parts or in lines."""

    addresstype: Code | None = None
    department: Text | None = None
    streetname: Text | None = None
    buildingnumber: Text | None = None
    buildingname: Text | None = None
    postbox: Text | None = None
    postcode: Text | None = None
    townname: Text | None = None
    countrysubdivision: Text | None = None
    addressline: Annotated[list[Text], BeforeValidator(_listed)] = []
    country: Text | None = None

    @property
    def text(self) -> str | None:
        """The address in one line, without the country; None where it says no place."""
        parts = (
            self.buildingname, self.streetname, self.buildingnumber, self.postbox, *self.addressline, self.postcode,
            self.townname, self.countrysubdivision,
        )  # fmt: skip
        return ", ".join(part.strip() for part in parts if part and part.strip()) or None


class NationalIdentification(_Ivms):
    """A number that an authority gave."""

    nationalidentifier: Text | None = None
    nationalidentifiertype: Code | None = None
    countryofissue: Text | None = None
    registrationauthority: Text | None = None


class Birth(_Ivms):
    """Date and place of birth, as written."""

    dateofbirth: Text | None = None
    placeofbirth: Text | None = None


class Entity(_Ivms):
    """A natural or legal person."""

    name: Name = Name()
    geographicaddress: list[Address] = []
    nationalidentification: NationalIdentification = NationalIdentification()
    dateandplaceofbirth: Birth = Birth()
    customeridentification: Text | None = None
    countryofresidence: Text | None = None
    countryofregistration: Text | None = None


class Person(_Ivms):
    """Exactly one of a natural and a legal person."""

    naturalperson: Entity | None = None
    legalperson: Entity | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "Person":
        if (self.naturalperson is None) == (self.legalperson is None):
            raise ValueError("is neither one natural nor one legal person")
        return self


class Party(_Ivms):
    """The originator or the beneficiary with their accounts."""

    persons: list[Person] = []
    accountnumber: Annotated[list[Text], BeforeValidator(_listed)] = []


class Vasp(_Ivms):
    """A VASP; the inner member bears the name of the outer one, and some senders leave it out."""

    person: Person | None = None

    @model_validator(mode="before")
    @classmethod
    def _inner(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        folded = {key.replace("_", "").lower(): value for key, value in given.items() if value is not None}
        inner = next((folded[name] for name in _VASPS if name in folded), None)
        if inner is None and ("legalperson" in folded or "naturalperson" in folded):
            inner = given
        return {"person": inner or None}


class TransferPath(_Ivms):
    """The VASPs between."""

    transferpath: list[Vasp] = []


class Metadata(_Ivms):
    """What the payload says about itself."""

    payloadversion: Text | None = None


class Identity(_Ivms):
    """An IVMS101 payload."""

    originator: Party = Party()
    beneficiary: Party = Party()
    originatingvasp: Vasp = Vasp()
    beneficiaryvasp: Vasp = Vasp()
    transferpath: TransferPath = TransferPath()
    payloadmetadata: Metadata = Metadata()

    def people(self) -> list[tuple[str, Person]]:
        """Everybody in the payload with their role."""
        vasps = [("originating_vasp", self.originatingvasp), ("beneficiary_vasp", self.beneficiaryvasp)]
        vasps += [("intermediary_vasp", vasp) for vasp in self.transferpath.transferpath]
        return [
            *(("originator", person) for person in self.originator.persons),
            *(("beneficiary", person) for person in self.beneficiary.persons),
            *((role, vasp.person) for role, vasp in vasps if vasp.person),
        ]


class Message(_Ivms):
    """The envelope: which transfer the payload is about, and where the exchange of messages stands."""

    messageid: Given
    direction: Literal["outgoing", "incoming"]
    status: Literal[STATUSES]
    createdat: Instant
    updatedat: Instant | None = None
    transferreference: Text | None = None
    txhash: Text | None = None
    address: Text | None = None
    asset: Text | None = None
    amount: Amount | None = None
    ivms101: Identity
