#include "engine/io/torch/torch_file.hpp"

#include <cstring>
#include <utility>

#include "engine/error.hpp"
#include "engine/io/elements.hpp"

namespace bptplr {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kPickle = "/data.pkl";
constexpr std::string_view kByteOrder = "/byteorder";

/// What files before PyTorch 1.6 begin with: the pickle of a number that names the format.
constexpr std::string_view kStreamMagic("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.", 15);

/// Location of a tensor in its storage, in elements.
struct View {
  std::int64_t offset = 0;
  std::int64_t count = 1;
  Shape shape;
  std::vector<std::int64_t> strides;
};

/// Returns the location of a tensor. Throws nothing: `fits` tells whether all of it lies within a
/// storage of `elements`.
View view_of(const PickleValue& tensor, std::int64_t elements, bool& fits) {
  View view;
  view.offset = tensor.items[1]->integer;
  std::int64_t last = view.offset;
  fits = view.offset >= 0;
  for (std::size_t axis = 0; axis < tensor.items[2]->items.size(); ++axis) {
    const std::int64_t side = tensor.items[2]->items[axis]->integer;
    const std::int64_t stride = tensor.items[3]->items[axis]->integer;
    std::int64_t reach = 0;
    fits = fits && side >= 0 && stride >= 0 &&
           !__builtin_mul_overflow(view.count, side, &view.count) &&
           (side == 0 || (!__builtin_mul_overflow(side - 1, stride, &reach) &&
                          !__builtin_add_overflow(last, reach, &last)));
    view.shape.push_back(side);
    view.strides.push_back(side > 1 ? stride : 0);
  }
  fits = fits && view.count <= elements && (view.count == 0 || last < elements);
  return view;
}

/// Copies the elements, of `size` bytes each, in row-major order.
std::string gather(const View& view, std::string_view storage, std::size_t size) {
  std::string bytes(static_cast<std::size_t>(view.count) * size, '\0');
  std::vector<std::int64_t> index(view.shape.size(), 0);
  std::int64_t at = view.offset;
  for (std::size_t i = 0; i < bytes.size(); i += size) {
    std::memcpy(bytes.data() + i, storage.data() + static_cast<std::size_t>(at) * size, size);
    for (std::size_t axis = index.size(); axis-- > 0;) {
      at += view.strides[axis];
      if (++index[axis] < view.shape[axis]) break;
      at -= view.strides[axis] * view.shape[axis];
      index[axis] = 0;
    }
  }
  return bytes;
}

}  // namespace

bool TorchFile::recognises(std::string_view bytes) {
  return bytes.starts_with("PK") || bytes.starts_with(kStreamMagic);
}

TorchFile::TorchFile(std::string bytes, std::string name)
    : name_(std::move(name)), budget_(name_, bytes.size()) {
  require(recognises(bytes),
          "{} is no file of torch.save; save model.state_dict() with it, or with safetensors",
          name_);
  if (bytes.starts_with("PK")) {
    archive_.emplace(std::move(bytes), name_);
    open_archive();
  } else {
    bytes_ = std::move(bytes);
    open_stream();
  }
}

void TorchFile::open_archive() {
  for (const auto& [entry, place] : archive_->entries()) {
    if (!entry.ends_with(kPickle)) continue;
    folder_ = entry.substr(0, entry.size() - kPickle.size());
    const std::string order = folder_ + std::string(kByteOrder);
    require(archive_->entries().count(order) == 0 || archive_->read(order) == "little",
            "{} was written on a big-endian machine; save it again on another", name_);
    pickle_ =
        std::make_unique<Pickle>(std::string(archive_->read(entry)), name_, ForeignObjects::kSkip);
    return;
  }
  throw Error("{} is a zip archive without data.pkl, so torch.save did not write it", name_);
}

/// Reads the pickles of the format, of its version, of the machine's types, of the value, and of
/// the keys of the storages, which follow in this order: the number of elements, then those.
void TorchFile::open_stream() {
  std::string_view rest = bytes_;
  rest.remove_prefix(kStreamMagic.size());
  const auto next = [&] {
    auto pickle = std::make_unique<Pickle>(rest, name_, ForeignObjects::kSkip);
    rest.remove_prefix(pickle->size());
    return pickle;
  };
  next();
  const auto machine = next();
  const PickleValue* little = machine->root().find("little_endian");
  require(little == nullptr || little->integer != 0,
          "{} was written on a big-endian machine; save it again on another", name_);
  pickle_ = next();
  std::unordered_map<std::string_view, const PickleValue*> described;
  for (const PickleValue* storage : pickle_->storages()) described[storage->text] = storage;
  const auto keys = next();
  for (const PickleValue* key : keys->root().items) {
    const auto found = described.find(key->text);
    const FileElements* type =
        found == described.end() ? nullptr : torch_elements(found->second->dtype);
    require(type != nullptr,
            "{}: a storage has elements of an unknown type; save the tensors "
            "again with PyTorch 1.6 or newer",
            name_);
    std::int64_t count = 0;
    const auto size = static_cast<std::int64_t>(type->bytes);
    if (rest.size() >= sizeof count) {
      std::memcpy(&count, rest.data(), sizeof count);
      rest.remove_prefix(sizeof count);
    } else {
      count = -1;
    }
    require(count >= 0 && count <= std::ssize(rest) / size,
            "{} is cut short: storage '{}' lies outside; copy it again", name_, key->text);
    storages_[found->first] = rest.substr(0, static_cast<std::size_t>(count * size));
    rest.remove_prefix(static_cast<std::size_t>(count * size));
  }
}

std::string_view TorchFile::storage_bytes(const PickleValue& storage) {
  const auto found = storages_.find(storage.text);
  if (found != storages_.end()) return found->second;
  require(archive_.has_value(), "{} lacks the storage of a tensor; copy it again", name_);
  const std::string_view bytes = archive_->read(fmt::format("{}/data/{}", folder_, storage.text));
  storages_[storage.text] = bytes;
  return bytes;
}

bool TorchFile::is_readable(const PickleValue& value) {
  return value.kind == Kind::kTensor && torch_elements(value.items[0]->dtype) != nullptr;
}

Tensor TorchFile::read(const PickleValue& tensor, const std::string& name) {
  const auto damaged = [&](const char* what) {
    return Error("{}: tensor '{}' {}; the file is damaged, copy it again", name_, name, what);
  };
  const PickleValue& storage = *tensor.items[0];
  const FileElements* type = torch_elements(storage.dtype);
  if (type == nullptr) throw damaged("has elements of an unknown type");
  const std::string_view bytes = storage_bytes(storage);
  if (storage.integer < 0 ||
      storage.integer > std::ssize(bytes) / static_cast<std::int64_t>(type->bytes)) {
    throw damaged("is larger than its entry in the file");
  }
  bool fits = false;
  View view = view_of(tensor, storage.integer, fits);
  if (!fits) throw damaged("reaches beyond its storage");
  // A file could mention the same memory repeatedly; genuine ones share little.
  budget_.hold(static_cast<std::uint64_t>(view.count) * element_size(type->dtype));
  budget_.work(static_cast<std::uint64_t>(view.count) * type->bytes);
  const std::string elements = gather(view, bytes, type->bytes);
  return tensor_of(*type, std::move(view.shape), elements);
}

}  // namespace bptplr
