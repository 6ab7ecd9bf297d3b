"""What other systems call our columns: HubSpot, Salesforce, Odoo, Mautic, Zoho, and the tables that copy tools make.

A header is compared in one plain form (`plain`), so that `Create Date`, `property_createdate`, `CreatedDate` and
`created_date` need no entries of their own where they differ by case, blanks and prefixes only. The order of the
names within an entry is the order of preference when a file has several of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

Role = Literal["leads", "touches", "outcomes", "spend"]
ROLES: Final[tuple[Role, ...]] = ("leads", "touches", "outcomes", "spend")

OUTCOMES: Final = ("accepted", "rejected", "qualified", "opportunity", "won", "lost")
REQUIRED: Final[Mapping[Role, tuple[str, ...]]] = MappingProxyType(
    {
        "leads": ("lead_id", "created_at"),
        "touches": ("lead_id", "kind", "at"),
        "outcomes": ("lead_id", "at", "outcome"),
        "spend": ("channel", "day", "amount"),
    }
)
# What each of our columns means, for the sentence that asks for it.
MEANING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "lead_id": "which lead it is",
        "created_at": "when the lead came in",
        "kind": "what happened, such as page.viewed",
        "at": "when it happened",
        "outcome": f"what came of it: {', '.join(OUTCOMES)}",
        "channel": "where the money went",
        "day": "the day it was spent on",
        "amount": "how much",
    }
)
INSTANTS: Final = frozenset({"created_at", "known_at", "at", "withdrawn_at", "day"})
AMOUNTS: Final = frozenset({"value", "amount"})

_ID = "lead_id leadid mql_id sql_id prospect_id contact_id contactid record_id hs_object_id"
_EMAIL = "email e_mail email_address email_1 work_email business_email primary_email email_from mail emailaddress"

LEADS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "lead_id": f"{_ID} contact_record_id lead_record_id id external_id vid uuid guid lead_number lead contact "
        "user_id customer_id",
        "created_at": "created_at createdat create_date createdate created_date date_created date_added created_time "
        "creation_date created_on created creation_time date_entered created_datetime hs_createdate first_contact_date "
        "first_contact_at first_seen first_seen_at first_conversion_date inquiry_date signup_date submitted_at "
        "registered_at captured_at date_of_inquiry first_contact",
        "known_at": "known_at",
        "account.id": "account_id accountid company_id companyid associated_company_id associatedcompanyid "
        "primary_associated_company_id organization_id partner_id",
        "account.name": "account_name company company_name companyname company_account organization organisation "
        "partner_name employer associated_company account",
        "account.domain": "account_domain company_domain_name company_domain domain website website_url web_site "
        "company_website url",
        "account.industry": "account_industry industry company_industry sector vertical industry_sector",
        "account.employees": "account_employees employees number_of_employees no_of_employees numberofemployees "
        "numemployees num_employees employee_count company_size headcount",
        "account.revenue": "account_revenue annual_revenue annualrevenue company_revenue turnover",
        "account.country": "account_country company_country billing_country",
        "person.email": _EMAIL,
        "person.email_domain": "email_domain",
        "person.name": "full_name name contact_name lead_name",
        "person.first_name": "first_name firstname given_name fname",
        "person.last_name": "last_name lastname surname family_name lname",
        "person.title": "job_title jobtitle title function position designation role",
        "person.phone": "phone phone_number telephone mobile mobile_phone work_phone",
        "person.country": "country country_region country_id ip_country",
        "person.state": "state state_region state_province region state_id",
        "person.city": "city",
        "person.language": "language locale preferred_language lang lang_id preferred_locale",
        "person.opted_out": "opted_out has_opted_out_of_email email_opt_out unsubscribed hs_email_optout hs_email_opt_out "
        "unsubscribed_from_all_email do_not_contact dnc is_blacklisted email_optout",
        "lead.source": "lead_source leadsource source origin original_source original_source_type hs_analytics_source "
        "original_traffic_source source_id utm_source first_touch_source acquisition_channel channel lead_origin",
        "lead.medium": "utm_medium medium_id medium",
        "lead.campaign": "utm_campaign campaign campaign_name campaign_id",
        "lead.status": "lead_status hs_lead_status status lifecycle_stage lifecyclestage stage stage_id contact_status",
        "lead.owner": "lead_owner contact_owner owner owner_id hubspot_owner_id assigned_to salesperson user",
        "lead.timeline_months": "timeline_months timeframe_months",
        "lead.landing_page": "landing_page landing_page_id landing_page_url first_page_seen hs_analytics_first_url",
    }
)
TOUCHES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "touch_id": "touch_id touchid event_id eventid message_id messageid activity_id engagement_id task_id id",
        "lead_id": f"{_ID} who_id whoid person_id user_id userid recipient_id vid",
        "email": f"{_EMAIL} recipient person_email contact_email",
        "kind": "kind touch_kind event event_name event_type eventtype activity_type touch_type task_subtype type action",
        "at": "at timestamp occurred_at happened_at event_time event_at time datetime sent_at activity_date activity_time "
        "created_at created_date createdate created create_date date date_added",
        "known_at": "known_at received_at",
        "channel": "channel",
        "campaign": "campaign utm_campaign campaign_name",
        "automated": "automated is_bot bot",
        "withdrawn_at": "withdrawn_at",
    }
)
OUTCOME_COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "lead_id": f"{_ID} who_id associated_contact_id associated_contact_ids converted_lead_id associated_lead lead "
        "contact id",
        "at": "at occurred_at decided_at answered_at outcome_at outcome_date closed_at close_date closedate date_closed "
        "closing_date close_time timestamp date",
        "outcome": "outcome result answer disposition stage_name deal_stage dealstage stage stage_id deal_pipeline_stage_id "
        "status",
        "reason": "reason lost_reason loss_reason closed_lost_reason lost_reason_id rejection_reason reject_reason "
        "disqualification_reason unqualified_reason reason_for_loss reason_lost",
        "value": "value deal_value amount deal_amount won_value revenue expected_revenue price",
        "known_at": "known_at",
    }
)
SPEND: Final[Mapping[str, str]] = MappingProxyType(
    {
        "channel": "channel source origin platform utm_source medium lead_source ad_network",
        "campaign": "campaign campaign_name utm_campaign",
        "day": "day date spend_date report_date reporting_starts at",
        "amount": "amount spend cost amount_spent total_cost expense media_cost costs",
        "currency": "currency currency_code",
    }
)
KNOWN: Final[Mapping[Role, Mapping[str, str]]] = MappingProxyType(
    {"leads": LEADS, "touches": TOUCHES, "outcomes": OUTCOME_COLUMNS, "spend": SPEND}
)

# A file of deals often has no row an outcome but a column a date: won_date, lost_date, …
DATED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accepted": "accepted_at accepted_date date_accepted sal_date sal_at sales_accepted_date",
        "rejected": "rejected_at rejected_date date_rejected disqualified_at disqualified_date unqualified_date",
        "qualified": "qualified_at qualified_date sql_date sql_at sales_qualified_date "
        "became_a_sales_qualified_lead_date hs_lifecyclestage_salesqualifiedlead_date",
        "opportunity": "opportunity_at opportunity_date opportunity_created_at opportunity_created_date converted_date "
        "date_conversion became_an_opportunity_date hs_lifecyclestage_opportunity_date",
        "won": "won_at won_date date_won closed_won_date won_time deal_won_date became_a_customer_date "
        "hs_lifecyclestage_customer_date customer_since",
        "lost": "lost_at lost_date date_lost closed_lost_date lost_time deal_lost_date",
    }
)
# Words that other systems put into a stage or result, in the plain form of `plain`.
OUTCOME_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        word: ours
        for ours, words in {
            "accepted": "accepted sal sales_accepted sales_accepted_lead accepted_lead working",
            "rejected": "rejected declined not_accepted disqualified unqualified not_qualified junk junk_lead bad_lead "
            "recycled returned",
            "qualified": "qualified sql sales_qualified sales_qualified_lead salesqualifiedlead qualified_to_buy "
            "qualifiedtobuy",
            "opportunity": "opportunity opportunity_opened opportunity_created converted proposal negotiation "
            "proposal_price_quote negotiation_review closed_converted",
            "won": "won closed_won closedwon win customer deal_won close_won yes",
            "lost": "lost closed_lost closedlost deal_lost close_lost lost_deal closed_lost_to_competition",
        }.items()
        for word in words.split()
    }
)
SYSTEMS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "HubSpot": frozenset(
            "record_id lifecycle_stage lifecyclestage create_date createdate hs_object_id contact_owner hubspot_owner_id "
            "original_source hs_lead_status associated_company dealstage dealname closedate portal_id jobtitle "
            "hs_analytics_source number_of_employees_range hs_merged_object_ids".split()
        ),
        "Salesforce": frozenset(
            "created_date lead_source is_converted owner_id last_modified_by_id system_modstamp converted_date stage_name "
            "company_account lead_owner is_won is_closed who_id what_id record_type_id".split()
        ),
        "Odoo": frozenset(
            "create_date email_from partner_name contact_name stage_id team_id user_id medium_id source_id "
            "date_conversion expected_revenue lost_reason_id".split()
        ),
        "Mautic": frozenset(
            "date_added points firstname lastname is_published date_identified last_active stage".split()
        ),
        "Zoho": frozenset(
            "lead_owner created_time no_of_employees email_opt_out lead_status modified_time record_id "
            "annual_revenue closing_date".split()
        ),
    }
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OWN = re.compile(r"(person|account|lead)\.[^\s.][^\s]*")


def plain(header: str) -> str:
    """The header as it is compared: no case, no blanks or punctuation, no prefixes of copy tools, no Salesforce `__c`."""
    text = unicodedata.normalize("NFKC", header).strip().strip("\"'")
    text = _CAMEL.sub("_", text).casefold()
    text = re.sub(r"[^\w]+", "_", text).strip("_")
    text = re.sub(r"_+", "_", text)
    for prefix in ("property_", "properties_", "traits_", "x_studio_"):
        text = text.removeprefix(prefix)
    return re.sub(r"_c$", "", text)


def own(header: str) -> str | None:
    """The header when it is written in our own form already (`person.title`, `account.id`), folded; else None."""
    folded = unicodedata.normalize("NFKC", header).strip().casefold()
    return folded if _OWN.fullmatch(folded) else None


def system(headers: list[str]) -> str | None:
    """The system whose export this looks like, when at least three of its own headers are there."""
    forms = {plain(header) for header in headers}
    scored = sorted(((len(forms & marks), name) for name, marks in SYSTEMS.items()), reverse=True)
    if scored[0][0] >= 3 and scored[0][0] > scored[1][0]:
        return scored[0][1]
    return None
