using Xunit;

namespace OneCopy.Tests.Cli;

/// <summary>Files through a queue, counted: one copy, from the sender's pages into the page cache of the file that is received.</summary>
public sealed class ReceiveCostTests
{
    private const int Length = 64 << 20;

    [Fact]
    public async Task A_file_that_is_offered_is_copied_once_into_the_mapped_destination()
    {
        Requires.Program("strace");
        using CliRoot root = new();
        string file = root.Make("file", Length);
        string tool = Path.Combine(AppContext.BaseDirectory, "OneCopy.Cli.dll");
        using ChildProcess sender = TracedCall.Start(root.PathOf("trace-send"), tool, "send", "files", file, "--wait", "--root", root.Queues);
        using ChildProcess receiver = TracedCall.Start(
            root.PathOf("trace-receive"), tool, "receive", "files", "--out", root.PathOf("out"), "--count", "1", "--timeout", "30", "--create", "--root", root.Queues);
        receiver.Finish(TimeSpan.FromMinutes(1));
        sender.Finish(TimeSpan.FromMinutes(1));
        Assert.Equal(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), await File.ReadAllBytesAsync(root.PathOf("out/file"), TestContext.Current.CancellationToken));

        List<TracedCall> calls = TracedCall.Read(root.PathOf("trace-"));
        List<TracedCall> pulls = calls.FindAll(c => c.IsProcessVm);
        Assert.All(pulls, p => Assert.Equal("process_vm_readv", p.Name));
        Assert.Equal(Length, pulls.Sum(p => p.Lengths[0])); // The second is the sender's nonce.
        Assert.Equal(Length + (16L * pulls.Count), pulls.Sum(p => p.Result));

        // Nothing else of that size moves, in either process: not out of the source, not into the destination, nor by way of a queue's file.
        Assert.DoesNotContain(calls, c => c.MovesBytes && c.Result >= Length / 16);
        Assert.InRange(calls.Where(c => c.MovesBytes).Sum(c => c.Result), 0, Length / 4);

        // So the bytes are in the file by way of a mapping of it alone.
        Assert.Single(TracedCall.Read(root.PathOf("trace-receive")), c => c.Name is "mmap"
            && c.Arguments.Contains($", {Length}, PROT_READ|PROT_WRITE, MAP_SHARED, ", StringComparison.Ordinal));
    }
}
