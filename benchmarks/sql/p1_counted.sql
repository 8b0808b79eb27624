-- What both 24-feature scripts read: completed movements in or out of a known party, not between its own accounts.
create or replace temp view counted as
select leg_id, party_id, event_at, counterparty_id, direction_code, cast(amount_usd * 100 as bigint) as cents
from intermediate.int_transfer_legs
where status_code = 'completed'
    and direction_code in ('in', 'out')
    and party_id is not null
    and transfer_id not in (
        select transfer_id
        from intermediate.int_transfer_legs
        where transfer_type_code = 'internal_transfer' and party_id is not null
        group by transfer_id
        having count(*) > 1 and min(party_id) = max(party_id)
    );
