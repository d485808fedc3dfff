using System.Globalization;
using Xunit;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>Crash points that are off cost nothing: the optimizing compiler leaves nothing of them.</summary>
public sealed class CrashPointTests : IDisposable
{
    // Each of these has crash points in its own code, none of them calls a delegate otherwise.
    private static readonly string[] s_hot = ["Ring:TryEnqueueAtOnce", "Ring:TryPeekAtOnce", "Ring:Remove", "MessageQueue:TrySendShort", "MessageQueue:ClaimShort", "MessageQueue:Finish", "MessageQueue:MarkQueued"];

    // Too large to be a part of what calls them.
    private static readonly string[] s_roots = ["MessageQueue:TrySendShort", "MessageQueue:ClaimShort", "MessageQueue:Finish"];
    private readonly Messaging.TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Switched_off_nothing_of_them_is_in_the_compiled_code()
    {
        Dictionary<string, string> off = Compile("off");
        Dictionary<string, string> on = Compile("on");
        foreach (string method in on.Keys)
            Assert.Matches("Action|CrashPoint", on[method]); // So it is seen where it is.
        foreach (string method in off.Keys)
        {
            Assert.DoesNotContain("Action", off[method], StringComparison.Ordinal);
            Assert.DoesNotContain("CrashPoint", off[method], StringComparison.Ordinal);
        }
    }

    /// <summary>What the compiler made of the hot methods, by name. It begins when nothing new was called for a while, and a busy machine lets it wait: then they are called for longer.</summary>
    private Dictionary<string, string> Compile(string how)
    {
        string folder = Path.Combine(_root.Path, how);
        CopyOptimizable(folder);
        string methods = string.Join(' ', s_hot.Select(m => m.Split(':')[1]));
        Dictionary<string, string> found = [];
        for (int rounds = 20; rounds < 2000 && !IsAll(found); rounds *= 4)
        {
            string listing = Path.Combine(folder, "listing" + rounds);
            using ChildProcess child = ChildProcess.StartProgram(
                "env", $"DOTNET_JitDisasm={methods}", $"DOTNET_JitStdOutFile={listing}", "DOTNET_TieredPGO=0", "DOTNET_TC_CallCountingDelayMs=1",
                DotnetHost.Path, Path.Combine(folder, "OneCopy.TestProcess.dll"), "crash-points-compiled", _root.Path, "q" + how, how, rounds.ToString(CultureInfo.InvariantCulture));
            child.Finish(TimeSpan.FromMinutes(2));
            found = ListedIn(listing); // It is written out as the process ends.
        }

        Assert.True(IsAll(found), $"Of the hot methods only these were compiled with optimization: {string.Join(' ', found.Keys)}.");
        return found;
    }

    private static Dictionary<string, string> ListedIn(string listing)
    {
        Dictionary<string, string> found = new(StringComparer.Ordinal);
        foreach (string part in File.ReadAllText(listing).Split("; Assembly listing for method ").Where(p => p.Contains("Tier1", StringComparison.Ordinal)))
        {
            if (s_hot.FirstOrDefault(m => part[..part.IndexOf('\n', StringComparison.Ordinal)].Contains(m + "(", StringComparison.Ordinal)) is { } method)
                found[method] = part;
        }

        return found;
    }

    // Which of them are a part of the others' code depends on which is compiled first: one that is called by none of the others is in theirs.
    private static bool IsAll(Dictionary<string, string> found) =>
        s_roots.All(found.ContainsKey) && s_hot.All(method => found.ContainsKey(method) || !found.Values.Any(code => code.Contains(method + "(", StringComparison.Ordinal)));

    /// <summary>The test process with a library that may be optimized: a debug build forbids it, by the words of one attribute.</summary>
    private static void CopyOptimizable(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(AppContext.BaseDirectory, "OneCopy.TestProcess.*").Append(Path.Combine(AppContext.BaseDirectory, "OneCopy.dll")))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        string library = Path.Combine(folder, "OneCopy.dll");
        byte[] image = File.ReadAllBytes(library);

        // DebuggingModes: Default | IgnoreSymbolStoreSequencePoints | EnableEditAndContinue | DisableOptimizations, as an attribute's argument is stored.
        ReadOnlySpan<byte> debug = [1, 0, 7, 1, 0, 0, 0, 0];
        int at = image.AsSpan().IndexOf(debug);
        if (at >= 0)
            image.AsSpan(at + 2, 4).Clear();
        File.WriteAllBytes(library, image);
    }
}
