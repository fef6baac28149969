"""The objects that the stand-in knows, each with the types of its fields as Salesforce describes them."""

from collections.abc import Mapping
from typing import Final

SYSTEM: Final[Mapping[str, str]] = {
    "Id": "id",
    "IsDeleted": "boolean",
    "CreatedDate": "datetime",
    "LastModifiedDate": "datetime",
    "SystemModstamp": "datetime",
    "OwnerId": "reference",
}
PREFIXES: Final[Mapping[str, str]] = {
    "Account": "001",
    "Contact": "003",
    "Opportunity": "006",
    "Task": "00T",
    "Case": "500",
    "User": "005",
    "Organization": "00D",
}
OBJECTS: Final[Mapping[str, Mapping[str, str]]] = {
    "Account": {
        **SYSTEM,
        **dict.fromkeys(("Name", "Website", "Phone", "BillingCountry"), "string"),
        **dict.fromkeys(("Type", "Industry"), "picklist"),
        **{"AnnualRevenue": "currency", "NumberOfEmployees": "int", "ParentId": "reference", "Description": "textarea"},
    },
    "Contact": {
        **SYSTEM,
        **dict.fromkeys(("FirstName", "LastName", "Name", "Email", "Phone", "MobilePhone", "Title"), "string"),
        **{"AccountId": "reference", "HasOptedOutOfEmail": "boolean", "Description": "textarea"},
    },
    "Opportunity": {
        **SYSTEM,
        **dict.fromkeys(("Name", "NextStep"), "string"),
        **dict.fromkeys(("StageName", "Type", "ForecastCategoryName"), "picklist"),
        **{"AccountId": "reference", "Amount": "currency", "CloseDate": "date", "Probability": "percent"},
        **{"IsClosed": "boolean", "IsWon": "boolean", "Description": "textarea"},
    },
    "Task": {
        **SYSTEM,
        **dict.fromkeys(("Status", "Priority"), "picklist"),
        **{"Subject": "string", "ActivityDate": "date", "WhatId": "reference", "WhoId": "reference"},
        **{"IsClosed": "boolean", "Description": "textarea"},
    },
    "Case": {
        **SYSTEM,
        **dict.fromkeys(("Status", "Priority", "Origin", "Type", "Reason"), "picklist"),
        **{"Subject": "string", "CaseNumber": "string", "AccountId": "reference", "ContactId": "reference"},
        **{"IsClosed": "boolean", "Description": "textarea"},
    },
    "User": {**SYSTEM, "Name": "string", "Email": "string", "IsActive": "boolean"},
    "Organization": {**SYSTEM, "Name": "string", "IsSandbox": "boolean"},
}
READ_ONLY: Final = frozenset({"Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp", "IsClosed", "IsWon", "CaseNumber"})
CLOSED: Final[Mapping[str, frozenset[str]]] = {
    "Opportunity": frozenset({"Closed Won", "Closed Lost"}),
    "Task": frozenset({"Completed"}),
    "Case": frozenset({"Closed"}),
}
STARTS_AS: Final[Mapping[str, Mapping[str, str]]] = {
    "Task": {"Status": "Not Started", "Priority": "Normal"},
    "Case": {"Status": "New", "Priority": "Medium"},
}
KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "Account": ("Playkeeper_Key__c",),
    "Case": ("Playkeeper_Key__c",),
    "Contact": ("Playkeeper_Key__c",),
}
"""External id fields that the sandbox's administrator made. Tasks have none, as in many organisations."""
