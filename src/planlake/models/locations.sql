-- One row for each location of the planning system, with the council's own address of its uprn beside it.
-- The addresses come from the file mappings/latest_llpg.csv: it is empty until the council puts its own there, and the
-- columns llpg_... are NULL until then.
--
-- checks:
--   unique: [id]
--   complete: [id, counter_location]
-- columns:
--   counter_location: 1, to add up
--   llpg_uprn: The uprn in the council's address table. NULL where the location has none or the table lacks it
--   llpg_logical_status: Status of the address. Of several addresses of one uprn the lowest status is taken (1 is
--     approved, 3 alternative, 6 provisional, 8 historical), then the first lpi_key
with address as (
    select *, try_cast(uprn as bigint) as number
    from mapping.latest_llpg
    qualify row_number() over (partition by number order by try_cast(logical_status as integer), lpi_key) = 1
)

select
    place.*,
    1 as counter_location,
    address.number as llpg_uprn,
    address.blpu_class as llpg_blpu_class,
    address.lpi_key as llpg_lpi_key,
    address.logical_status as llpg_logical_status,
    address.ward as llpg_ward,
    address.postcode as llpg_postcode,
    address.line1 as llpg_line1,
    address.line2 as llpg_line2,
    address.line3 as llpg_line3,
    address.line4 as llpg_line4,
    address.address as llpg_address
from refined.dtf_locations as place
left join address on address.number = place.uprn
