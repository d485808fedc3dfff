using System.Text.RegularExpressions;
using Xunit;

namespace OneCopy.Tests.Repository;

/// <summary>
/// The model and the code have the same steps: every tag <c>[x.y]</c> in <c>model/*.pml</c> is a step that the code passes, and the other
/// way round. What only one of the two has is listed here, with the reason.
/// </summary>
public sealed partial class ModelStepsTests
{
    private static readonly Dictionary<string, string> s_onlyInTheModel = new(StringComparer.Ordinal)
    {
    };

    // A name that ends with a dot stands for all that begin with it.
    private static readonly Dictionary<string, string> s_onlyInTheCode = new(StringComparer.Ordinal)
    {
        ["create."] = "the model begins with a queue that is there",
        ["close."] = "closing is death by one's own hand: the model has the death",
        ["delete."] = "a queue that is deleted has no participants",
        ["arena."] = "the bytes of the arena are its owner's alone",
        ["join.file"] = Joining,
        ["join.lock"] = Joining,
        ["join.allocate"] = Joining,
        ["join.header"] = Joining,
        ["join.rename"] = Joining,
        ["join.check"] = Joining,
        ["join.leftovers"] = Joining,
        ["join.attention"] = Joining,
        ["join.leave"] = Joining,
        ["retire.counters"] = "the model counts nothing",
        ["retire.ring"] = "tells who has the file mapped that its memory can go; nobody waits for it",
    };

    private const string Joining = "a joiner is nobody before it has its entry, and files are not in the model";

    [Fact]
    public void Every_tag_of_the_model_is_a_step_of_the_code()
    {
        HashSet<string> steps = [.. StepsOfTheCode().Keys];
        None(TagsOfTheModel().Where(t => !steps.Contains(t) && !s_onlyInTheModel.ContainsKey(t)), "no step in the code");
    }

    [Fact]
    public void Every_step_of_the_code_is_a_tag_of_the_model()
    {
        HashSet<string> tags = TagsOfTheModel();
        None(StepsOfTheCode().Keys.Where(s => !tags.Contains(s) && !s_onlyInTheCode.Keys.Any(e => Covers(e, s))), "no tag in the model");
    }

    [Fact]
    public void The_code_passes_every_step_that_it_names()
    {
        HashSet<string> used = Directory.EnumerateFiles(RepositoryFiles.PathOf("src/OneCopy"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(f => Use().Matches(File.ReadAllText(f))).Select(m => m.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
        None(StepsOfTheCode().Where(s => !used.Contains(s.Value)).Select(s => s.Key), "in Step.cs and nowhere else");
    }

    [Fact]
    public void The_exceptions_are_needed()
    {
        HashSet<string> tags = TagsOfTheModel();
        Dictionary<string, string> steps = StepsOfTheCode();
        None(s_onlyInTheModel.Keys.Where(e => !tags.Contains(e) || steps.ContainsKey(e)), "no exception: take it out of the list");
        None(s_onlyInTheCode.Keys.Where(e => tags.Any(t => Covers(e, t)) || !steps.Keys.Any(s => Covers(e, s))), "no exception: take it out of the list");
    }

    [Fact]
    public void The_models_README_names_every_tag()
    {
        string readme = File.ReadAllText(RepositoryFiles.PathOf("model/README.md"));
        None(TagsOfTheModel().Where(tag => !readme.Contains($"`{tag}`", StringComparison.Ordinal)), "not in model/README.md");
    }

    private static void None(IEnumerable<string> names, string what)
    {
        string all = string.Join(' ', names);
        Assert.True(all.Length == 0, $"{what}: {all}");
    }

    private static bool Covers(string exception, string step) =>
        exception.EndsWith('.') ? step.StartsWith(exception, StringComparison.Ordinal) : string.Equals(step, exception, StringComparison.Ordinal);

    private static HashSet<string> TagsOfTheModel()
    {
        HashSet<string> tags = Directory.EnumerateFiles(RepositoryFiles.PathOf("model"), "*.pml")
            .SelectMany(f => Tag().Matches(File.ReadAllText(f))).Select(m => m.Groups["tag"].Value).ToHashSet(StringComparer.Ordinal);
        Assert.NotEmpty(tags);
        return tags;
    }

    /// <summary>The step's name, and the constant's.</summary>
    private static Dictionary<string, string> StepsOfTheCode()
    {
        string source = File.ReadAllText(RepositoryFiles.PathOf("src/OneCopy/Messaging/Step.cs"));
        Dictionary<string, string> steps =
            Constant().Matches(source).ToDictionary(m => m.Groups["step"].Value, m => m.Groups["name"].Value, StringComparer.Ordinal);
        Assert.NotEmpty(steps);
        return steps;
    }

    [GeneratedRegex(@"\[(?<tag>[a-z]+\.[a-z]+\??)\]", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Tag();

    [GeneratedRegex("""const string (?<name>\w+) = "(?<step>[^"]+)";""", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Constant();

    [GeneratedRegex(@"\bStep\.(?<name>\w+)", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Use();
}
