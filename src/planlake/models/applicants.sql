-- One row for each contact that is an applicant: contact_type_id is one of 1, 31. All columns of contacts are in it;
-- deleted contacts are left out. Applications may point to contacts of other types too: those are in contacts alone.
--
-- checks:
--   unique: [applicant_id]
--   complete: [applicant_id]
-- columns:
--   applicant_id: Number of the contact, `id` in contacts
--   contact_type_id: Role of the contact. The numbers 1, 31 are those of the council this was written for
select * rename (id as applicant_id)
from refined.contacts
where contact_type_id in (1, 31)
