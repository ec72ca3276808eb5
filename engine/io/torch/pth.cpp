#include "engine/io/torch/pth.hpp"

#include <cstring>
#include <utility>

#include "engine/error.hpp"
#include "engine/io/file.hpp"
#include "engine/io/torch/half.hpp"
#include "engine/io/torch/pickle.hpp"
#include "engine/io/torch/zip.hpp"

namespace bptplr {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kPickle = "/data.pkl";
constexpr std::string_view kByteOrder = "/byteorder";
constexpr const char* kNested[] = {"state_dict", "model", "net"};

/// Location of a tensor in its storage.
struct View {
  std::string_view bytes;     ///< of the storage
  std::int64_t elements = 0;  ///< of the storage
  std::int64_t offset = 0;    ///< of the first element
  Shape shape;
  std::vector<std::int64_t> strides;
};

/// Copies the elements in row-major order, converting each.
template <class From, class To, class Convert>
Tensor gather(const View& view, Convert&& convert) {
  Tensor tensor = Tensor::empty(view.shape, kDTypeOf<To>);
  std::vector<std::int64_t> index(view.shape.size(), 0);
  std::int64_t at = view.offset;
  To* out = tensor.data<To>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    From value;
    std::memcpy(&value, view.bytes.data() + static_cast<std::size_t>(at) * sizeof(From),
                sizeof(From));
    out[i] = convert(value);
    for (std::size_t axis = index.size(); axis-- > 0;) {
      at += view.strides[axis];
      if (++index[axis] < view.shape[axis]) break;
      at -= view.strides[axis] * view.shape[axis];
      index[axis] = 0;
    }
  }
  return tensor;
}

template <class From, class To>
Tensor cast(const View& view) {
  return gather<From, To>(view, [](From value) { return static_cast<To>(value); });
}

/// Type of a storage, and the function that reads its tensors.
struct StorageType {
  std::string_view name;
  std::int64_t bytes;
  Tensor (*read)(const View& view);
};
constexpr StorageType kTypes[] = {
    {"FloatStorage", 4, cast<float, float>},
    {"DoubleStorage", 8, cast<double, double>},
    {"HalfStorage", 2,
     [](const View& view) { return gather<std::uint16_t, float>(view, half_to_float); }},
    {"BFloat16Storage", 2, cast<bfloat16, float>},
    {"LongStorage", 8, cast<std::int64_t, std::int64_t>},
    {"IntStorage", 4, cast<std::int32_t, std::int64_t>},
    {"ShortStorage", 2, cast<std::int16_t, std::int64_t>},
    {"CharStorage", 1, cast<std::int8_t, std::int64_t>},
    {"ByteStorage", 1, cast<std::uint8_t, std::uint8_t>},
    {"BoolStorage", 1, cast<std::uint8_t, std::uint8_t>}};

class PthFile {
 public:
  PthFile(std::string bytes, std::string name)
      : name_(std::move(name)), archive_(std::move(bytes), name_), folder_(find_folder()) {
    const std::string order = folder_ + std::string(kByteOrder);
    require(archive_.entries().count(order) == 0 || archive_.read(order) == "little",
            "{} was written on a big-endian machine; save it again on another", name_);
    budget_ = static_cast<std::int64_t>(archive_.size());
  }

  TensorMap load() {
    const Pickle pickle(std::string(archive_.read(folder_ + std::string(kPickle))), name_);
    const PickleValue& state = find_state(pickle.root());
    TensorMap tensors;
    for (std::size_t i = 0; i + 1 < state.items.size(); i += 2) {
      const PickleValue& key = *state.items[i];
      const PickleValue& value = *state.items[i + 1];
      if (key.kind != Kind::kText || value.kind != Kind::kTensor) continue;
      const std::string name(key.text);
      tensors.insert_or_assign(name, read_tensor(name, value));
    }
    require(!tensors.empty(),
            "{} holds no tensors under names; save model.state_dict() with torch.save", name_);
    return tensors;
  }

 private:
  /// Returns the folder in the archive that contains all entries.
  std::string find_folder() const {
    for (const auto& [entry, unused] : archive_.entries()) {
      if (entry.ends_with(kPickle)) return entry.substr(0, entry.size() - kPickle.size());
    }
    throw Error("{} is a zip archive without data.pkl, so torch.save did not write it", name_);
  }

  const PickleValue& find_state(const PickleValue& root) const {
    for (const char* key : kNested) {
      const PickleValue* nested = root.find(key);
      if (nested != nullptr && nested->kind == Kind::kDict) return *nested;
    }
    require(root.kind == Kind::kDict,
            "{} holds no state dict; save model.state_dict() with torch.save", name_);
    return root;
  }

  Tensor read_tensor(const std::string& name, const PickleValue& tensor) {
    const PickleValue& storage = *tensor.items[0];
    for (const StorageType& type : kTypes) {
      if (type.name == storage.dtype) return type.read(checked_view(name, tensor, type));
    }
    throw damaged(name, "has elements of an unknown type");
  }

  Error damaged(const std::string& name, const char* what) const {
    return Error("{}: tensor '{}' {}; the file is damaged, copy it again", name_, name, what);
  }

  /// Returns the location of the tensor's elements, all of them within its storage.
  View checked_view(const std::string& name, const PickleValue& tensor, const StorageType& type) {
    const PickleValue& storage = *tensor.items[0];
    View view;
    view.bytes = archive_.read(fmt::format("{}/data/{}", folder_, storage.text));
    view.elements = storage.integer;
    if (view.elements < 0 || view.elements > std::ssize(view.bytes) / type.bytes) {
      throw damaged(name, "is larger than its entry in the archive");
    }
    view.offset = tensor.items[1]->integer;
    std::int64_t count = 1;
    std::int64_t last = view.offset;
    bool fits = view.offset >= 0;
    for (std::size_t axis = 0; axis < tensor.items[2]->items.size(); ++axis) {
      const std::int64_t side = tensor.items[2]->items[axis]->integer;
      const std::int64_t stride = tensor.items[3]->items[axis]->integer;
      std::int64_t reach = 0;
      fits = fits && side >= 0 && stride >= 0 && !__builtin_mul_overflow(count, side, &count) &&
             (side == 0 || (!__builtin_mul_overflow(side - 1, stride, &reach) &&
                            !__builtin_add_overflow(last, reach, &last)));
      view.shape.push_back(side);
      view.strides.push_back(side > 1 ? stride : 0);
    }
    if (!fits || count > view.elements || (count > 0 && last >= view.elements)) {
      throw damaged(name, "reaches beyond its storage");
    }
    // A file could reference the same memory repeatedly; genuine ones share little.
    budget_ -= count;
    if (budget_ < 0) throw damaged(name, "is one of too many that share their memory");
    return view;
  }

  std::string name_;
  ZipArchive archive_;
  std::string folder_;
  std::int64_t budget_ = 0;  ///< number of elements that may still be read
};

}  // namespace

TensorMap load_pth(const std::filesystem::path& path) {
  return parse_pth(read_file(path), path.string());
}

TensorMap parse_pth(std::string bytes, const std::string& name) {
  require(bytes.starts_with("PK"),
          "{} is no file that torch.save has written since PyTorch 1.6; load it with PyTorch and "
          "save its state_dict again",
          name);
  return PthFile(std::move(bytes), name).load();
}

}  // namespace bptplr
