"""What the generator knows by heart: sizes, first ids, names of look-ups, text columns of its own."""

from collections.abc import Mapping

SIZES: Mapping[str, int] = {
    "applications": 1_000,
    "communication_templates": 40,
    "contacts": 1_500,
    "documents": 3_000,
    "dtf_locations": 800,
    "user_team_map": 150,
    "user_teams": 14,
    "users": 120,
}
BASE_IDS: Mapping[str, int] = {
    "applications": 413,
    "contacts": 57,
    "decision_types": 17,
    "dtf_locations": 1_143_071,
    "users": 311,
    "wards": 43,
}
_NAMES = {
    "action_types": (
        "Enforcement Notice|Stop Notice|Temporary Stop Notice|Breach of Condition Notice|"
        "Planning Contravention Notice|Injunction|Planning Enforcement Order|Warning Letter"
    ),
    "application_types": (
        "Full Planning Permission|Householder|Outline Permission|Listed Building Consent|Advertisement Consent|"
        "Certificate of Lawful Development (Existing)|Certificate of Lawful Development (Proposed)|Works to Trees|"
        "Discharge of Condition|Non-Material Amendment|Variation of Condition (s73)|Prior Approval"
    ),
    "contact_types": (
        "Applicant|Agent|Complainant|Consultee (Internal)|Consultee (External)|Neighbour|Councillor|Land Owner|"
        + "|".join(f"Consultee List {number}" for number in range(9, 31))
        + "|Applicant (Company)|Agent (Company)"
    ),
    "decision_levels": "Delegated|Committee|Chair's Action|Secretary of State|Appeal|Called In|None",
    "decision_types": (
        "Granted|Refused|Withdrawn|Approved|No objection|Prior approval given|Split decision|Turned away|Called in|"
        "Prior approval not required"
    ),
    "ps_development_codes": (
        "Major Dwellings|Major Gypsy and Traveller sites development|Major Industrial|Major Office|Major Retail|"
        "Other Major Developments|(E)Minor Gypsy and Traveller sites development|Minor Industrial|Minor Office|"
        "Minor Residential|Minor Retail|Other Minor Developments|(E)Major Development (TDC)|Advertisements|Minerals|"
        "(E)Minor (Housing-Led) (PIP)|(E)Minor (Housing-Led) (TDC)|Change of use|Householder|Notifications|"
        "(E)Relevant Demolition In A Conservation Area (Other)|Listed Building Alterations|"
        "Listed Building Consent to Demolish|Certificates of lawful development|Prior approvals"
    ),
    "titles": "Mr|Mrs|Ms|Miss|Dr|Mx|Cllr|Prof|Rev",
    "wards": (
        "Brownswood|Cazenove|Clissold|Dalston|De Beauvoir|Hackney Central|Hackney Downs|Hackney Wick|Haggerston|"
        "Homerton|Hoxton East & Shoreditch|Hoxton West|King's Park|Lea Bridge|London Fields|Shacklewell|Springfield|"
        "Stamford Hill West|Stoke Newington|Victoria|Woodberry Down"
    ),
}
LOOKUP_NAMES: Mapping[str, tuple[str, ...]] = {name: tuple(names.split("|")) for name, names in _NAMES.items()}
# Text columns for resources of which the facts name none; look-ups and the rest have the usual three.
USUAL_TEXT = "name code description"
EXTRA_TEXT: Mapping[str, str] = {
    "appeals": "inspectorate_reference appeal_description grounds_of_appeal appeal_location_address",
    "assessments": "assessment_notes recommendation_details",
    "asset_constraints": "reference_number name description address the_geom",
    "case_journals": "subject notes",
    "communications": "reference_number recipient body",
    "documents": (
        "title file_name description drawing_number revision author recipient file_type notes external_reference "
        "portal_description respondent withdrawn_reason"
    ),
    "emails": "subject body sender recipient email_status",
    "enforcement_actions_taken": "reference_number description notes",
    "enforcement_breach_details": "breach_description notes",
    "enforcements": "reference_number complaint_description complaint_location_address the_geom notes",
    "fee_payments": "receipt_reference payer_company notes",
    "fees": "fee_reference exemption_notes",
    "gis_constraints": "name the_geom",
    "notes": "subject notes",
    "pre_applications": "reference_number proposal site_address the_geom advice_notes",
    "public_comments": "contact_name address postcode email comment",
    "related_records": "description",
    "site_visits": "visit_notes access_details",
    "uploaded_files": "file_name file_type description",
}
