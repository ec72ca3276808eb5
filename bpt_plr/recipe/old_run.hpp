// Recipes that earlier versions of the program wrote into the folders of their runs.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace bptplr {

/// Returns `recipe` with the fields that its version of the program did not have, at the values
/// that make them what that version did, where the defaults are not. A recipe counts as one of an
/// earlier version if it has all fields but such: a run writes all that there are, and a person
/// some of them.
nlohmann::json with_later_fields(nlohmann::json recipe);

}  // namespace bptplr
