using Xunit;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>Crash points that are off cost nothing: the optimizing compiler leaves nothing of them.</summary>
public sealed class CrashPointTests : IDisposable
{
    // Each of these has crash points in its own code, none of them calls a delegate otherwise.
    private static readonly string[] s_hot = ["Ring:TryEnqueueAtOnce", "Ring:TryPeekAtOnce", "Ring:Remove", "MessageQueue:TrySendShort", "MessageQueue:ClaimShort", "MessageQueue:Finish", "MessageQueue:MarkQueued"];
    private readonly Messaging.TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Switched_off_nothing_of_them_is_in_the_compiled_code()
    {
        Dictionary<string, string> off = Compile("off");
        Dictionary<string, string> on = Compile("on");
        foreach (string method in s_hot.Where(on.ContainsKey))
            Assert.Matches("Action|CrashPoint", on[method]); // So it is seen where it is.
        foreach (string method in s_hot)
        {
            Assert.True(off.ContainsKey(method), $"{method} was not compiled with optimization: {string.Join(' ', off.Keys)}.");
            Assert.DoesNotContain("Action", off[method], StringComparison.Ordinal);
            Assert.DoesNotContain("CrashPoint", off[method], StringComparison.Ordinal);
        }

        Assert.Contains(s_hot, on.ContainsKey);
    }

    /// <summary>What the compiler made of the hot methods, by name.</summary>
    private Dictionary<string, string> Compile(string how)
    {
        string folder = Path.Combine(_root.Path, how);
        string listing = Path.Combine(folder, "listing");
        CopyOptimizable(folder);
        string methods = string.Join(' ', s_hot.Select(m => m.Split(':')[1]));
        using ChildProcess child = ChildProcess.StartProgram(
            "env", $"DOTNET_JitDisasm={methods}", $"DOTNET_JitStdOutFile={listing}", "DOTNET_TieredPGO=0", "DOTNET_TC_CallCountingDelayMs=1",
            DotnetHost.Path, Path.Combine(folder, "OneCopy.TestProcess.dll"), "crash-points-compiled", _root.Path, "q" + how, how);
        child.Finish(TimeSpan.FromMinutes(1));
        Dictionary<string, string> found = new(StringComparer.Ordinal);
        foreach (string part in File.ReadAllText(listing).Split("; Assembly listing for method ").Where(p => p.Contains("Tier1", StringComparison.Ordinal)))
        {
            if (s_hot.FirstOrDefault(m => part[..part.IndexOf('\n', StringComparison.Ordinal)].Contains(m + "(", StringComparison.Ordinal)) is { } method)
                found[method] = part;
        }

        return found;
    }

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
