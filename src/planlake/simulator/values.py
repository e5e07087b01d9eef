"""Makes up plausible values for cells, HTML-escaped, for the generator."""

import base64
import html
import json
import struct
from collections.abc import Callable, Sequence
from random import Random

Make = Callable[[Random], str]


def escaped(text: str) -> str:
    """Text as the API sends it: `'` as `&#39;`, `&` as `&amp;`."""
    return html.escape(text).replace("&#x27;", "&#39;")


def pick(random: Random, choices: Sequence[str]) -> str:
    """One of the choices, each as likely."""
    return choices[int(random.random() * len(choices))]


def number(random: Random, limit: int, start: int = 1) -> int:
    """A whole number from `start`, one of `limit`."""
    return start + int(random.random() * limit)


def _one_of(choices: str) -> Make:
    known = tuple(escaped(choice) for choice in choices.split("|"))
    return lambda random: pick(random, known)


_street_name = _one_of(
    "Mare Street|Kingsland Road|Graham Road|Lower Clapton Road|Amhurst Road|Dalston Lane|Queensbridge Road|Well Street|"
    "Shacklewell Lane|St John's Church Road|Green Lanes|Stoke Newington Church Street|Albion Drive|London Fields East|"
    "Victoria Park Road|Great Eastern Street|Pitfield Street|Hoxton Square|King's Crescent|Brownswood Road|Wick Road|"
    "Homerton High Street|Chatsworth Road|Cazenove Road|Lordship Park|De Beauvoir Square|Old Street|Curtain Road"
)
_locality = _one_of("Hackney|Dalston|Stoke Newington|Shoreditch|Homerton|Clapton|Hoxton|De Beauvoir Town|Hackney Wick")
_forename = _one_of(
    "Amara|Beatriz|Callum|Daniel|Efua|Fatma|George|Hannah|Ibrahim|Joanna|Kwame|Leïla|Marta|Noémie|Oluwaseun|Priya|"
    "Rosalind|Søren|Tomasz|Uzma|Victor|Wei|Yasmin|Zoë"
)
_surname = _one_of(
    "Adeyemi|Begum|Clarke|D'Souza|Evans|Fernández|Goldberg|Hughes|Ivanova|Jones|Kaya|Lewandowski|Müller|Nguyen|"
    "O'Brien|Patel|Quinn|Rahman|Sørensen|Taylor|Umar|Varga|Williams|Yıldız|Zhang"  # noqa: RUF001 - a Turkish name
)
_firm = _one_of("Architects|& Partners|Design Studio|Planning Ltd|Surveyors Ltd|Developments Ltd|& Sons Builders")
_works = _one_of(
    "Erection of|Demolition of|Retention of|Conversion of|Alterations to|Replacement of|Installation of|Extension to|"
    "Change of use of|Refurbishment of"
)
part = _one_of(
    "a single storey rear extension|a two storey side extension|the existing shop's façade|a mansard roof & dormers|"
    "a part one, part two storey infill|ground floor café (Use Class E)|four sash windows|an air-conditioning unit|"
    "a cycle store for 12 bicycles|the existing warehouse|a 4 m “green” roof|solar panels|one London plane tree|"
    "9 self-contained flats|an illuminated fascia sign|a basement lightwell|boundary walls & railings"
)
_ending = _one_of(
    "to the rear|at first floor level|with associated landscaping|and associated works|to provide 2 dwellings|"
    "(part retrospective)|facing the Regent's Canal|in a conservation area|together with refuse & cycle storage"
)
_material = _one_of(
    "London stock brick|Natural slate|Painted timber|Powder-coated aluminium|White render|Clay tiles|UPVC|"
    "Steel & glass|Reclaimed brick, lime mortar|Zinc cladding|None|As existing|To match the neighbours' walls"
)
_job = _one_of("Planning Officer|Senior Planning Officer|Team Leader|Enforcement Officer|Conservation Officer")
_document = _one_of("Site plan|Decision notice|Officer's report|Elevations|Design & access statement|Photo|Letter")
_certificate = _one_of("A|A|B|UK")
_short_code = _one_of("1|2|3|4|A|B|C|X7")
_district = _one_of("E8|E9|E5|N1|N16|E2|N4|EC2A")


def _full_name(random: Random) -> str:
    return f"{_forename(random)} {_surname(random)}"


def _company(random: Random) -> str:
    return f"{_surname(random)} {_firm(random)}"


def _postcode(random: Random) -> str:
    return f"{_district(random)} {number(random, 9)}{pick(random, 'ABDEFGHJLN')}{pick(random, 'PQRSTUWXYZ')}"


def _address(random: Random) -> str:
    return f"{number(random, 300)} {_street_name(random)}, {_locality(random)}, London {_postcode(random)}"


def _sentence(random: Random) -> str:
    return f"{_works(random)} {part(random)} {_ending(random)}"


def _paragraph(random: Random) -> str:
    if random.random() < 0.005:
        return ""  # rare, but it happens
    return f"{_sentence(random)}.\nSee {_address(random)}; {_full_name(random)} to advise."


def _email(random: Random) -> str:
    return f"person{number(random, 90_000)}@example.org"


def _telephone(random: Random) -> str:
    return f"020 7946 0{number(random, 900, 100)}"  # the range kept for fiction


def _file_name(random: Random) -> str:
    return f"{_document(random)} {number(random, 9_000)}.{pick(random, ('pdf', 'pdf', 'jpg', 'docx'))}"


def _portal_reference(random: Random) -> str:
    long, short = number(random, 900_000, 5_000_000), number(random, 89_999, 10_000)
    return pick(random, (f"TP/{short}", str(long), f"{short} {short + 956}", f"11/{short}/FULODA"))


def _reference(random: Random) -> str:
    return f"{number(random, 24, 2000)}/{number(random, 4_000)}"


def _locations_json(random: Random) -> str:
    places = range(number(random, 3))
    return json.dumps([{"id": number(random, 800, 1_143_071), "address": _address(random)} for _ in places])


def _ring(random: Random) -> bytes:
    east, north = 531_000 + random.random() * 6_500, 182_500 + random.random() * 6_000
    width, depth = 4 + random.random() * 40, 4 + random.random() * 40
    corners = (east, north, east + width, north, east + width, north + depth, east, north + depth, east, north)
    return struct.pack("<II10d", 1, 5, *corners)


def _polygon(random: Random) -> str:
    """A plot in Hackney as hex EWKB: little-endian, British National Grid."""
    return (struct.pack("<BII", 1, 0x20000003, 27700) + _ring(random)).hex().upper()


def _multipolygon(random: Random) -> str:
    count = number(random, 3)
    plots = b"".join(struct.pack("<BI", 1, 3) + _ring(random) for _ in range(count))
    return (struct.pack("<BIII", 1, 0x20000006, 27700, count) + plots).hex().upper()


def _picture(random: Random) -> str:
    """A map picture of 2 to 4 KB in base64; only its first bytes are a PNG's."""
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.randbytes(number(random, 1_500, 1_500))).decode()


# The first rule of which a word stands in the column's name decides.
_TEXT_RULES: tuple[tuple[tuple[str, ...], Make], ...] = (
    (("base64",), _picture),
    (("the_geom",), _polygon),
    (("geom", "spatial_features"), _multipolygon),
    (("json",), _locations_json),
    (("email", "recipient", "sender", "username"), _email),
    (("phone", "mobile", "fax"), _telephone),
    (("forename", "firstname"), _forename),
    (("surname",), _surname),
    (("signed_by", "contact_name", "author", "respondent"), _full_name),
    (("company",), _company),
    (("job_title", "position"), _job),
    (("postcode",), _postcode),
    (("house_name_or_number", "pao_text"), lambda random: str(number(random, 300))),
    (("street_name",), _street_name),
    (("address",), _address),
    (("locality", "town", "county", "location"), _locality),
    (("file",), _file_name),
    (("planning_portal_reference",), _portal_reference),
    (("ownership_certificate",), _certificate),
    (("reference", "_ref", "lpi_key", "number"), _reference),
    (("code", "status", "units", "revision"), _short_code),
    (("details", "notes", "body", "comment", "justification", "reason"), _paragraph),
    (("_existing", "_proposed", "materials", "colours"), _material),
)


def text_maker(column: str) -> Make:
    """What makes the values of a text column, chosen by its name."""
    for words, make in _TEXT_RULES:
        if any(word in column for word in words):
            return make
    return _sentence
