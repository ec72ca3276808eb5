// Builds values for the Python objects that a pickle may contain (pickle.cpp). Functions that can
// fail return the problem, or nullptr.
#pragma once

#include <string>
#include <string_view>

#include "engine/io/torch/pickle.hpp"

namespace bptplr::pickle_objects {

/// Returns the name of a class or function as "module name" if it is known, else "".
std::string_view known_name(std::string_view full_name);

/// Returns whether the function encodes text as bytes, as Python 3 stores them in protocol 2.
bool encodes_bytes(std::string_view callee);

/// Sets `result` to what any other known function or class constructs from a tuple of arguments.
const char* construct(std::string_view callee, const PickleValue& arguments, PickleValue& result);

/// Sets the state of an object (opcode BUILD).
const char* set_state(PickleValue& object, const PickleValue& state);

/// Sets `result` to the storage that a persistent id of torch.save names: ("storage", type, key,
/// location, number of elements).
const char* make_storage(const PickleValue& id, PickleValue& result);

}  // namespace bptplr::pickle_objects
