"""What each form of a list promises: the names of its elements, attributes and members.

Belongs here: names, and what it means where one is missing or new. OFAC's CSV has no header: which of its columns are
there says `ofac_csv` by what they hold; what the UK's CSV needs says `uk`.
"""

from collections.abc import Set
from dataclasses import dataclass

from ingestion.contract import changed
from ingestion.watchlists import ofac_csv


@dataclass(frozen=True)
class Contract:
    """`needs`: names without which a publication of some entries is none; `known`: the others that the publisher speaks
    of. Attributes are written `@name`; they are held against the contract where it knows any."""

    needs: frozenset[str]
    known: frozenset[str]

    def hold(self, form: str, names: Set[str]) -> set[str]:
        """The names that nobody knows, as `form.name`. Raises VendorError where a needed one is missing: read as
        nothing, everybody on the list would lose what it says."""
        if missing := sorted(self.needs - names):
            raise changed(f"the publication ({form}) has no {', '.join(missing)}")
        with_attributes = any(name.startswith("@") for name in self.known)
        new = names - self.needs - self.known
        return {f"{form}.{name}" for name in new if with_attributes or not name.startswith("@")}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _columns(text: str) -> frozenset[str]:
    return frozenset(text.split("|"))


CONTRACTS = {
    "ofac_csv": Contract(
        frozenset(name for file in ofac_csv.FILES.values() for name in ofac_csv.columns(file)), frozenset()
    ),
    "ofac_xml": Contract(
        _names("sdnList sdnEntry uid lastName sdnType programList program"),
        _names(
            "publshInformation Publish_Date Record_Count firstName title remarks idList id idType idNumber "
            "idCountry issueDate expirationDate akaList aka type category addressList address address1 address2 "
            "address3 city stateOrProvince postalCode country nationalityList nationality mainEntry "
            "citizenshipList citizenship dateOfBirthList dateOfBirthItem dateOfBirth placeOfBirthList "
            "placeOfBirthItem placeOfBirth vesselInfo callSign vesselType vesselFlag vesselOwner tonnage "
            "grossRegisteredTonnage"
        ),
    ),
    "ofac_advanced_xml": Contract(
        _names("Sanctions DistinctParties DistinctParty Profile Identity Alias DocumentedName NamePartValue"),
        _names(
            "DateOfIssue Year Month Day ReferenceValueSets AliasTypeValues AliasType AreaCodeTypeValues "
            "AreaCodeType AreaCodeValues AreaCode CalendarTypeValues CalendarType CountryRelevanceValues "
            "CountryRelevance CountryValues Country DecisionMakingBodyValues DecisionMakingBody "
            "DetailReferenceValues DetailReference DetailTypeValues DetailType DocNameStatusValues DocNameStatus "
            "EntryEventTypeValues EntryEventType EntryLinkTypeValues EntryLinkType ExRefTypeValues ExRefType "
            "FeatureTypeGroupValues FeatureTypeGroup FeatureTypeValues FeatureType IDRegDocDateTypeValues "
            "IDRegDocDateType IdentityFeatureLinkTypeValues IdentityFeatureLinkType IDRegDocTypeValues "
            "IDRegDocType LegalBasisTypeValues LegalBasisType LegalBasisValues LegalBasis ListValues List "
            "LocPartTypeValues LocPartType LocPartValueStatusValues LocPartValueStatus LocPartValueTypeValues "
            "LocPartValueType NamePartTypeValues NamePartType OrganisationValues Organisation PartySubTypeValues "
            "PartySubType PartyTypeValues PartyType RelationQualityValues RelationQuality RelationTypeValues "
            "RelationType ReliabilityValues Reliability SanctionsProgramValues SanctionsProgram "
            "SanctionsTypeValues SanctionsType ScriptStatusValues ScriptStatus ScriptValues Script "
            "SubsidiaryBodyValues SubsidiaryBody SupInfoTypeValues SupInfoType TargetTypeValues TargetType "
            "ValidityValues Validity Locations Location LocationAreaCode LocationCountry LocationPart "
            "LocationPartValue Value Comment FeatureVersionReference IDRegDocumentReference IDRegDocuments "
            "IDRegDocument IDRegistrationNumber IssuingAuthority DocumentDate DocumentedNameReference "
            "DocumentMention IDRegDocumentMention DocumentedNamePart NamePartGroups MasterNamePartGroup "
            "NamePartGroup DocumentedNameCountry Feature FeatureVersion DatePeriod Start End From To "
            "VersionDetail VersionLocation IdentityReference SanctionsEntryReference ExternalReference ExRefValue "
            "DirectURL SubLink DurationPeriod Years Months Days ProfileRelationships ProfileRelationship "
            "SanctionsEntries SanctionsEntry EntryEvent Date LimitationsToListing SanctionsMeasure SupInfo "
            "SanctionsEntryLinks SanctionsEntryLink"
        ),
    ),
    "un_xml": Contract(
        _names("CONSOLIDATED_LIST DATAID FIRST_NAME REFERENCE_NUMBER LISTED_ON UN_LIST_TYPE"),
        _names(
            "INDIVIDUALS INDIVIDUAL ENTITIES ENTITY VERSIONNUM SECOND_NAME THIRD_NAME FOURTH_NAME "
            "LAST_DAY_UPDATED VALUE COMMENTS1 NAME_ORIGINAL_SCRIPT TITLE DESIGNATION NATIONALITY NATIONALITY2 "
            "INDIVIDUAL_ALIAS QUALITY ALIAS_NAME DATE_OF_BIRTH CITY_OF_BIRTH COUNTRY_OF_BIRTH NOTE "
            "INDIVIDUAL_ADDRESS STREET CITY STATE_PROVINCE ZIP_CODE COUNTRY INDIVIDUAL_DATE_OF_BIRTH TYPE_OF_DATE "
            "DATE YEAR FROM_YEAR TO_YEAR INDIVIDUAL_PLACE_OF_BIRTH INDIVIDUAL_DOCUMENT TYPE_OF_DOCUMENT "
            "TYPE_OF_DOCUMENT2 NUMBER COUNTRY_OF_ISSUE ISSUING_COUNTRY DATE_OF_ISSUE CITY_OF_ISSUE ENTITY_ALIAS "
            "ENTITY_ADDRESS GENDER SUBMITTED_BY SUBMITTED_ON LIST_TYPE SORT_KEY SORT_KEY_LAST_MOD DELISTED_ON"
        ),
    ),
    "eu_xml": Contract(
        _names("export sanctionEntity nameAlias @wholeName subjectType @code"),
        _names(
            "remark regulation publicationUrl regulationSummary identification address contactInfo birthdate "
            "citizenship @generationDate @globalFileId @schemaLocation @designationDate @designationDetails "
            "@unitedNationId @euReferenceNumber @logicalId @regulationType @organisationType @publicationDate "
            "@entryIntoForceDate @numberTitle @programme @classificationCode @firstName @middleName @lastName "
            "@function @gender @title @nameLanguage @strong @regulationLanguage @city @zipCode @countryIso2Code "
            "@countryDescription @region @place @street @poBox @asAtListingTime @key @value @birthdate @circa "
            "@calendarType @yearRangeFrom @yearRangeTo @day @month @year @dayOfMonth @monthOfYear "
            "@identificationTypeCode @identificationTypeDescription @number @latinNumber @nameOnDocument "
            "@issuedBy @issuedDate @issueDate @knownExpired @knownFalse @reportedLost @revokedByIssuer @validFrom "
            "@validTo @diplomatic"
        ),
    ),
    "uk_xml": Contract(
        _names("Designations Designation UniqueID Names Name Name6 RegimeName IndividualEntityShip"),
        _names(
            "DateGenerated LastUpdated DateDesignated OFSIGroupID UNReferenceNumber Name1 Name2 Name3 Name4 Name5 "
            "NameType AliasStrength NonLatinNames NonLatinName NameNonLatinScript NonLatinScriptType "
            "NonLatinScriptLanguage NonLatinType NonLatinLanguage DesignationSource SanctionsImposed "
            "SanctionsImposedIndicators OtherInformation UKStatementofReasons Addresses Address AddressLine1 "
            "AddressLine2 AddressLine3 AddressLine4 AddressLine5 AddressLine6 AddressPostalCode AddressCountry "
            "PhoneNumbers PhoneNumber EmailAddresses EmailAddress Websites Website IndividualDetails Individual "
            "DOBs DOB Nationalities Nationality NationalIdentifierDetails NationalIdentifier "
            "NationalIdentifierNumber NationalIdentifierAdditionalInformation PassportDetails Passport "
            "PassportNumber PassportAdditionalInformation Positions Position Genders Gender BirthDetails Location "
            "TownOfBirth CountryOfBirth Titles Title EntityDetails Entity TypeOfEntities TypeOfEntity "
            "Subsidiaries Subsidiary ParentCompanies ParentCompany BusinessRegistrationNumbers "
            "BusinessRegistrationNumber ShipDetails Ship IMONumbers IMONumber CurrentOwnerOperators "
            "CurrentOwnerOperator PreviousOwnerOperators PreviousOwnerOperator CurrentBelievedFlagOfShips "
            "CurrentBelievedFlagOfShip PreviousFlags PreviousFlag TypeOfShips TypeOfShip TypeOfShipDetails "
            "TonnageOfShips TonnageOfShip TonnageOfShipDetails LengthOfShips LengthOfShip LengthOfShipDetails "
            "YearsBuilt YearBuilt HullIdentificationNumbers HullIdentificationNumber"
        ),
    ),
    "uk_csv": Contract(
        frozenset(),
        _columns(
            "Last Updated|Unique ID|OFSI Group ID|UN Reference Number|Name 6|Name 1|Name 2|Name 3|Name 4|Name 5|"
            "Name type|Alias strength|Title|Name non-latin script|Non-latin script type|Non-latin script language|"
            "Regime Name|Designation Type|Designation source|Sanctions Imposed|Other Information|"
            "UK Statement of Reasons|Address Line 1|Address Line 2|Address Line 3|Address Line 4|Address Line 5|"
            "Address Line 6|Address Postal Code|Address Country|Phone number|Website|Email address|Date Designated|"
            "D.O.B|Nationality(/ies)|National Identifier number|National Identifier additional information|"
            "Passport number|Passport additional information|Position|Gender|Town of birth|Country of birth|"
            "Type of entity|Subsidiaries|Parent company|Business registration number (s)|IMO number|"
            "Current owner/operator (s)|Previous owner/operator (s)|Current believed flag of ship|Previous flags|"
            "Type of ship|Tonnage of ship|Length of ship|Year Built|Hull identification number (HIN)"
        ),
    ),
    "ftm": Contract(
        _names("id properties"),
        _names("caption schema referents datasets first_seen last_seen last_change target origin"),
    ),
}
CONTRACTS["ftm_delta"] = Contract(_names("op entity"), CONTRACTS["ftm"].needs | CONTRACTS["ftm"].known)
