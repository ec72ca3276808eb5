// The Python objects that a pickle may hold, and what is noted of them; see pickle.cpp. Functions
// that can fail return what is wrong, or nullptr.
#pragma once

#include <string>
#include <string_view>

#include "engine/io/torch/pickle.hpp"

namespace bptplr::pickle_objects {

/// The name of a class or function as "module name", if it is a known one; else empty.
std::string_view known_name(std::string_view full_name);

/// `name` with everything but plain letters, digits and punctuation replaced by '?'.
std::string printable(std::string_view name);

/// Whether the known function makes bytes of a text, as Python 3 stores them in protocol 2.
bool encodes_bytes(std::string_view callee);

/// Turns `result` into what another known function or class makes of a tuple of arguments.
const char* construct(std::string_view callee, const PickleValue& arguments, PickleValue& result);

/// Gives an object its state.
const char* set_state(PickleValue& object, const PickleValue& state);

/// Turns `result` into the storage that a persistent id of torch.save names:
/// ("storage", type, key, location, number of elements).
const char* make_storage(const PickleValue& id, PickleValue& result);

}  // namespace bptplr::pickle_objects
