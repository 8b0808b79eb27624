with messages as (
  select
    *,
    count(*) over (partition by transfer_id) as message_count
  from {{ ref('int_travel_rule_messages') }}
  where transfer_id is not null
)

-- The message that speaks for a transfer: one that stands before one that was refused or withdrawn, then a complete one.
select
  transfer_id,
  message_id,
  status_code,
  match_status_code,
  is_standing,
  missing_fields,
  has_beneficiary_vasp,
  counterparty_vasp_country_code,
  counterparty_country_code,
  message_count,
  created_at,
  known_at
from messages
qualify row_number() over (
  partition by transfer_id
  order by
    case when is_standing then 0 else 1 end,
    case when missing_fields is null then 0 else 1 end,
    updated_at desc,
    message_id
) = 1
