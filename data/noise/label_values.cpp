#include "data/noise/label_values.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/error.hpp"
#include "engine/io/elements.hpp"
#include "engine/io/npy.hpp"
#include "engine/io/torch/pickle.hpp"
#include "engine/io/torch/torch_file.hpp"

namespace bptplr {
namespace {

using Kind = PickleValue::Kind;

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Returns whether a shape has one side that may differ from 1.
bool is_row(const Shape& shape) {
  return !shape.empty() && std::ranges::count_if(shape, [](auto side) { return side != 1; }) <= 1;
}

/// Returns the labels of a tensor of integers.
LabelList list_of(const std::string& name, const Tensor& tensor) {
  LabelList list;
  list.name = name;
  list.count = tensor.numel();
  const auto count = static_cast<std::size_t>(tensor.numel());
  if (tensor.dtype() == DType::kInt64) {
    list.labels.assign(tensor.data<std::int64_t>(), tensor.data<std::int64_t>() + count);
  } else if (tensor.dtype() == DType::kUint8) {
    list.labels.assign(tensor.data<std::uint8_t>(), tensor.data<std::uint8_t>() + count);
  } else {
    list.problem = fmt::format("entry 0 is {}", to_string(tensor.dtype()));
  }
  return list;
}

/// Collects the lists in a pickle.
class Collector {
 public:
  /// Reads tensors from `torch_file`, if any; `size` is that of the file in bytes.
  Collector(std::string file, std::size_t size, TorchFile* torch_file)
      : file_(std::move(file)), budget_(static_cast<std::int64_t>(size)), torch_file_(torch_file) {}

  std::vector<LabelList> collect(const PickleValue& root) {
    // numpy.save turns a dict into an array of one object.
    const bool is_wrapped =
        root.kind == Kind::kList && root.items.size() == 1 && root.items[0]->kind == Kind::kDict;
    const PickleValue& value = is_wrapped ? *root.items[0] : root;
    if (value.kind != Kind::kDict) {
      add("", value);
      return std::move(lists_);
    }
    LabelsByIndex by_index;
    for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
      const PickleValue& key = *value.items[i];
      const PickleValue& entry = *value.items[i + 1];
      const bool is_number = key.kind == Kind::kInteger;
      const std::string name =
          is_number ? fmt::format("{}", key.integer) : std::string(key.text.substr(0, kMaxName));
      if (entry.kind == Kind::kInteger) by_index.add(name, entry.integer);
      if (key.kind == Kind::kText) add(name, entry);
    }
    if (auto list = by_index.list(std::ssize(value.items) / 2)) lists_.push_back(std::move(*list));
    return std::move(lists_);
  }

 private:
  static constexpr std::size_t kMaxName = 100;

  void add(const std::string& name, const PickleValue& value) {
    if (value.kind == Kind::kList || value.kind == Kind::kTuple) {
      spend(std::ssize(value.items));
      lists_.push_back(list_of_integers(name, value));
    } else if (value.kind == Kind::kArray) {
      add_array(name, value);
    } else if (torch_file_ != nullptr && TorchFile::is_readable(value)) {
      const Tensor tensor = torch_file_->read(value, name);
      if (is_row(tensor.shape())) lists_.push_back(bptplr::list_of(name, tensor));
    }
  }

  void add_array(const std::string& name, const PickleValue& array) {
    const FileElements* type = numpy_elements(array.dtype);
    Shape shape;
    std::int64_t count = 1;
    bool fits = true;
    for (const PickleValue* side : array.items) {
      shape.push_back(side->integer);
      fits = fits && side->integer >= 0 && !__builtin_mul_overflow(count, side->integer, &count);
    }
    if (type == nullptr || !is_row(shape)) return;
    require(fits && count == std::ssize(array.text) / static_cast<std::int64_t>(type->bytes) &&
                array.text.size() % type->bytes == 0,
            "{}: \"{}\" has a shape that does not match its bytes; fetch the file again", file_,
            name);
    spend(count);
    lists_.push_back(bptplr::list_of(name, tensor_of(*type, shape, array.text)));
  }

  static LabelList list_of_integers(const std::string& name, const PickleValue& value) {
    LabelList list;
    list.name = name;
    list.count = std::ssize(value.items);
    for (const PickleValue* item : value.items) {
      if (item->kind != Kind::kInteger) {
        list.problem = fmt::format("entry {} is no integer", list.labels.size());
        break;
      }
      list.labels.push_back(item->integer);
    }
    return list;
  }

  /// A file may refer to one list many times; genuine ones do not.
  void spend(std::int64_t count) {
    budget_ -= count;
    require(budget_ >= 0, "{}: it has the same labels many times; save them once", file_);
  }

  std::string file_;
  std::int64_t budget_;  ///< number of labels that may still be read
  TorchFile* torch_file_;
  std::vector<LabelList> lists_;
};

/// Reads a file of numpy.save: elements, or the pickle of an array of objects.
std::vector<LabelList> lists_of_npy(std::string_view bytes, const std::string& file) {
  const NpyArray array = parse_npy(bytes, file);
  const std::string_view type_name = array.type;
  const std::string_view data = array.data;
  if (type_name == "|O") {
    const Pickle pickle(data, file, ForeignObjects::kSkip);
    return Collector(file, bytes.size(), nullptr).collect(pickle.root());
  }
  const bool is_little = type_name.starts_with('<') || type_name.starts_with('|');
  const FileElements* type = is_little ? numpy_elements(type_name.substr(1)) : nullptr;
  require(type != nullptr,
          "{}: an array of type '{}', which is none of labels; save labels.astype('int64')", file,
          type_name.substr(0, 20));
  Shape shape = array.shape;
  require(is_row(shape), "{}: an array of several dimensions; save the labels alone", file);
  const std::int64_t count = *std::ranges::max_element(shape);
  const bool is_whole = std::ranges::min(shape) >= 0 &&
                        count == std::ssize(data) / static_cast<std::int64_t>(type->bytes) &&
                        data.size() % type->bytes == 0;
  require(is_whole, "{}: its header does not match its bytes; fetch it again", file);
  return {list_of("", tensor_of(*type, std::move(shape), data))};
}

}  // namespace

void LabelsByIndex::add(std::string_view key, std::int64_t label) {
  if (const auto index = to_number(key)) labels_.emplace(*index, label);
}

std::optional<LabelList> LabelsByIndex::list(std::int64_t entries) const {
  const bool is_complete = !labels_.empty() && std::ssize(labels_) == entries &&
                           labels_.begin()->first == 0 && labels_.rbegin()->first == entries - 1;
  if (!is_complete) return std::nullopt;
  LabelList list;
  list.count = entries;
  for (const auto& [index, label] : labels_) list.labels.push_back(label);
  return list;
}

bool has_binary_labels(std::string_view bytes) {
  return TorchFile::recognises(bytes) || is_npy(bytes) || bytes.starts_with('\x80');
}

std::vector<LabelList> binary_lists(std::string bytes, const std::string& file) {
  const std::size_t size = bytes.size();
  if (is_npy(bytes)) return lists_of_npy(bytes, file);
  if (TorchFile::recognises(bytes)) {
    TorchFile torch_file(std::move(bytes), file);
    return Collector(file, size, &torch_file).collect(torch_file.root());
  }
  const Pickle pickle(std::move(bytes), file, ForeignObjects::kSkip);
  return Collector(file, size, nullptr).collect(pickle.root());
}

}  // namespace bptplr
