#include "bench/gpu/case.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <unordered_map>

#include "bench/gpu/words.h"
#include "test/npy.h"

namespace sess::bench {
namespace {

constexpr std::int64_t kSide = 1 << 20, kMany = 1 << 24;
constexpr double kLargest = 1e6;

Size size(Words& words) {
  const std::int64_t height = words.integer(1, kSide);
  return {height, words.integer(1, kSide)};
}

float single(Words& words) { return static_cast<float>(words.real(-kLargest, kLargest)); }

/** Takes a case's lines one after the other, each by its first word. */
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), folder_(std::filesystem::path(path).parent_path()) {}

  Case read() {
    std::ifstream file(path_);
    if (!file) fail("cannot be read");
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
      Words words(line, path_ + ":" + std::to_string(number));
      const std::string key(words.word());
      if ((number == 1) != (key == "sess-case")) words.fail("a case begins with \"sess-case 1\", once");
      take(key, words);
      words.end();
    }
    requireAll();
    checkWindows();
    case_.photo = photo();
    case_.map = map();
    return std::move(case_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(Code::optionInvalid, path_ + ": " + what); }
  [[nodiscard]] std::string beside(const std::string& name) const { return (folder_ / name).string(); }

  void take(const std::string& key, Words& words) {
    const auto found = lines().find(key);
    if (found == lines().end()) words.fail("\"" + key + "\" is no line of a case");
    found->second(*this, words);
    seen_.insert(key);
  }

  using Line = std::function<void(Reader&, Words&)>;
  static const std::unordered_map<std::string, Line>& lines();

  void requireAll() const {
    for (const char* key : {"sess-case", "name", "precision", "graph", "bare", "photo", "map", "tolerance", "image",
                            "logits", "seed", "pixels", "filter", "window", "level", "base", "batch", "fusion", "at"}) {
      if (!seen_.contains(key)) fail(std::string("there is no line \"") + key + "\"");
    }
    if (seen_.contains("cam") == seen_.contains("gradient")) fail("there is one line \"cam\" or \"gradient\"");
  }

  Cut& lastCut(const Words& words) {
    if (case_.cuts.empty()) words.fail("a window stands behind \"patches\" or \"band\"");
    return case_.cuts.back();
  }

  CamOutputs& cam(const Words& words) {
    auto* outputs = std::get_if<CamOutputs>(&case_.outputs);
    if (outputs == nullptr || outputs->features.empty()) words.fail("\"weights\" stands behind \"cam\"");
    return *outputs;
  }

  /** Every window once, inside its level and its band. */
  void checkWindows() {
    std::vector<bool> known;
    for (const auto& [level, band, windows] : case_.cuts) {
      if (static_cast<std::size_t>(level) >= case_.levels.size()) fail("there is no level " + std::to_string(level));
      const Size whole = case_.levels[static_cast<std::size_t>(level)];
      const Rect within = band.value_or(Rect{0, 0, whole.height, whole.width});
      if (within.y + within.height > whole.height || within.x + within.width > whole.width)
        fail("a band leaves its level");
      for (const auto& [index, y, x] : windows) {
        if (y < within.y || x < within.x || y + case_.window.height > within.y + within.height ||
            x + case_.window.width > within.x + within.width) {
          fail("window " + std::to_string(index) + " leaves its level or band");
        }
        const auto place = static_cast<std::size_t>(index);
        if (place >= known.size()) known.resize(place + 1, false);
        if (known[place]) fail("window " + std::to_string(index) + " stands there twice");
        known[place] = true;
      }
    }
    if (!std::all_of(known.begin(), known.end(), [](bool is) { return is; })) fail("a window is missing");
    case_.windows = static_cast<std::int32_t>(known.size());
    if (case_.base >= case_.windows) fail("the base view is no window of the plan");
    if (case_.target >= case_.classes) fail("the target is no class");
  }

  [[nodiscard]] std::vector<std::uint8_t> photo() const {
    std::ifstream file(beside(photo_), std::ios::binary);
    if (!file) fail(photo_ + " cannot be read");
    const std::vector<char> chars{std::istreambuf_iterator<char>(file), {}};
    if (chars.size() != static_cast<std::size_t>(3 * case_.photoPixels())) fail(photo_ + " is of another size");
    std::vector<std::uint8_t> bytes(chars.size());
    std::transform(chars.begin(), chars.end(), bytes.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
    return bytes;
  }

  [[nodiscard]] std::vector<float> map() const {
    if (!std::filesystem::exists(beside(map_))) fail(map_ + " cannot be read");
    auto npy = test::readNpy(beside(map_));
    const std::vector<std::int64_t> shape{case_.photoSize.height, case_.photoSize.width};
    if (!npy || npy->shape != shape || npy->data.size() != static_cast<std::size_t>(case_.photoPixels())) {
      fail(map_ + " is no map of the photo's size");
    }
    return std::move(npy->data);
  }

  std::string path_, photo_, map_;
  std::filesystem::path folder_;
  std::set<std::string> seen_;
  Case case_{};
};

const std::unordered_map<std::string, Reader::Line>& Reader::lines() {
  static const std::unordered_map<std::string, Line> lines{
      {"sess-case", [](Reader&, Words& w) { (void)w.integer(1, 1); }},
      {"name", [](Reader& r, Words& w) { r.case_.name = w.rest(); }},
      {"precision",
       [](Reader& r, Words& w) {
         r.case_.isHalf = w.choice<bool>({{"fp32", false}, {"fp16", true}});
       }},
      {"graph", [](Reader& r, Words& w) { r.case_.graph = r.beside(w.file()); }},
      {"bare", [](Reader& r, Words& w) { r.case_.bare = r.beside(w.file()); }},
      {"photo",
       [](Reader& r, Words& w) {
         r.case_.photoSize = size(w);
         if (r.case_.photoPixels() > std::int64_t{1} << 28) w.fail("the photo is too large");
         r.photo_ = w.file();
       }},
      {"map",
       [](Reader& r, Words& w) {
         r.case_.explained = static_cast<std::int32_t>(w.integer(0, kMany));
         r.map_ = w.file();
       }},
      {"tolerance",
       [](Reader& r, Words& w) {
         const double close = w.real(0.0, 1.0);
         r.case_.tolerance = {close, w.real(0.0, 1.0)};
       }},
      {"bound", [](Reader& r, Words& w) { r.case_.bound = w.real(0.0, kLargest); }},
      {"image",
       [](Reader& r, Words& w) {
         r.case_.layout = w.choice<Layout>({{"NCHW", Layout::nchw}, {"NHWC", Layout::nhwc}});
         r.case_.image = w.rest();
       }},
      {"logits",
       [](Reader& r, Words& w) {
         r.case_.classes = w.integer(1, kMany);
         r.case_.activation =
             w.choice<Activation>({{"softmax", Activation::softmax}, {"sigmoid", Activation::sigmoid}});
         r.case_.logits = w.rest();
       }},
      {"seed",
       [](Reader& r, Words& w) {
         r.case_.target = static_cast<std::int32_t>(w.integer(-1, kMany));
         r.case_.seed = w.rest();
       }},
      {"cam",
       [](Reader& r, Words& w) {
         const std::int64_t channels = w.integer(1, kSide);
         const Size grid = size(w);
         const bool samples = w.choice<bool>({{"cells", false}, {"samples", true}});
         r.case_.outputs = CamOutputs{w.rest(), channels, grid, std::nullopt, samples};
       }},
      {"weights", [](Reader& r, Words& w) { r.cam(w).weights = w.rest(); }},
      {"gradient", [](Reader& r, Words& w) { r.case_.outputs = PixelOutputs{w.rest()}; }},
      {"pixels",
       [](Reader& r, Words& w) {
         for (int& channel : r.case_.channels) channel = static_cast<int>(w.integer(0, 2));
         for (float& scale : r.case_.scale) scale = single(w);
         for (float& bias : r.case_.bias) bias = single(w);
       }},
      {"filter",
       [](Reader& r, Words& w) {
         r.case_.filter = w.choice<Filter>({{"antialias", Filter::antialias}, {"bilinear", Filter::bilinear}});
       }},
      {"window", [](Reader& r, Words& w) { r.case_.window = size(w); }},
      {"level", [](Reader& r, Words& w) { r.case_.levels.push_back(size(w)); }},
      {"base", [](Reader& r, Words& w) { r.case_.base = static_cast<std::int32_t>(w.integer(-1, kMany)); }},
      {"batch",
       [](Reader& r, Words& w) {
         r.case_.batchOnProcessor = w.integer(1, kSide);
         r.case_.batchOnCuda = w.integer(1, kSide);
       }},
      {"fusion",
       [](Reader& r, Words& w) {
         r.case_.fusion =
             w.choice<Fusion>({{"mean", Fusion::mean}, {"max", Fusion::max}, {"average", Fusion::average}});
         r.case_.theta = single(w);
         r.case_.preFilter = w.real(0.0, 1.0);
       }},
      {"smooth",
       [](Reader& r, Words& w) {
         const auto taps = static_cast<int>(w.integer(1, 1 << 12));
         r.case_.smoothing = Smoothing{taps, w.real(0.0, kLargest)};
       }},
      {"patches",
       [](Reader& r, Words& w) {
         r.case_.cuts.push_back({static_cast<std::int32_t>(w.integer(0, kMany)), std::nullopt, {}});
       }},
      {"band",
       [](Reader& r, Words& w) {
         const auto level = static_cast<std::int32_t>(w.integer(0, kMany));
         const std::int64_t y = w.integer(0, kSide), x = w.integer(0, kSide);
         const Size part = size(w);
         r.case_.cuts.push_back({level, Rect{y, x, part.height, part.width}, {}});
       }},
      {"at",
       [](Reader& r, Words& w) {
         const auto index = static_cast<std::int32_t>(w.integer(0, kMany));
         const auto y = static_cast<std::int32_t>(w.integer(0, kSide));
         r.lastCut(w).windows.push_back({index, y, static_cast<std::int32_t>(w.integer(0, kSide))});
       }},
  };
  return lines;
}

}  // namespace

Case readCase(const std::string& path) { return Reader(path).read(); }

}  // namespace sess::bench
