-- One row for each contact that is an agent: contact_type_id is one of 2, 32. All columns of contacts are in it;
-- deleted contacts are left out. Applications may point to contacts of other types too: those are in contacts alone.
--
-- checks:
--   unique: [agent_id]
--   complete: [agent_id]
-- columns:
--   agent_id: Number of the contact, `id` in contacts
--   contact_type_id: Role of the contact. The numbers 2, 32 are those of the council this was written for
select * rename (id as agent_id)
from refined.contacts
where contact_type_id in (2, 32)
