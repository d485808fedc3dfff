using System.Globalization;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>What the kernel is asked for: one copy of an attached payload, none of the others, nothing at all when idle.</summary>
public sealed class CostTests : IDisposable
{
    private const long Big = 64 << 20;
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task An_attached_message_costs_its_bytes_of_process_vm_readv_and_nothing_else_of_that_size()
    {
        List<TracedCall> calls = await Trace((int)Big, attach: true);
        List<TracedCall> pulls = calls.FindAll(c => c.IsProcessVm);
        Assert.All(pulls, p => Assert.Equal("process_vm_readv", p.Name));

        // In each call, the first local segment is payload; the second is the 16 bytes that prove whose memory it was.
        Assert.Equal(Big, pulls.Sum(p => p.Lengths[0]));
        Assert.All(pulls, p => Assert.Equal(16, p.Lengths[1]));
        Assert.Equal(Big + (16 * pulls.Count), pulls.Sum(p => p.Result));
        Assert.DoesNotContain(calls, c => c.MovesBytes && c.Result >= Big / 16);
        Assert.InRange(calls.Where(c => c.MovesBytes).Sum(c => c.Result), 0, Big / 4); // The runtime's own start: its files.
        Assert.DoesNotContain(calls, c => c.Name is "fallocate" && c.LastArgument >= Big / 16);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(20_000)]
    [InlineData((int)Big)]
    public async Task An_inline_or_arena_message_costs_no_process_vm_call(int length)
    {
        List<TracedCall> calls = await Trace(length, attach: false);
        Assert.DoesNotContain(calls, c => c.IsProcessVm);
    }

    [Fact]
    public async Task An_idle_receiver_uses_no_processor_time()
    {
        using ChildProcess idle = ChildProcess.Start("queue-idle", _root.Path, "q");
        Assert.Equal("idle False", await idle.ReadLineAsync());

        // The runtime's own start-up work (background compilation) is not the queue's: let it end.
        await Task.Delay(TimeSpan.FromSeconds(2), Ct);
        long before = ProcessorTicks(idle.Pid);
        await Task.Delay(TimeSpan.FromSeconds(5), Ct);
        long ticks = ProcessorTicks(idle.Pid) - before;
        Assert.InRange(ticks * 10, 0, 19); // Ticks of 10 ms: under 20 ms.
    }

    // utime and stime of /proc/PID/stat, in ticks of 10 ms (USER_HZ is 100 on every architecture that .NET runs on).
    private static long ProcessorTicks(int pid)
    {
        string stat = File.ReadAllText($"/proc/{pid}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }

    /// <summary>Sends one message between two processes under strace and returns all system calls of both.</summary>
    private async Task<List<TracedCall>> Trace(int length, bool attach)
    {
        Requires.Program("strace");
        string prefix = Path.Combine(_root.Path, "trace");
        Directory.CreateDirectory(_root.Path);
        string text = length.ToString(CultureInfo.InvariantCulture);
        using ChildProcess receiver = Traced(prefix + "-receiver", "queue-receive", _root.Path, "q", "1");
        Assert.Equal("ready", await receiver.ReadLineAsync());
        using ChildProcess sender = attach
            ? Traced(prefix + "-sender", "queue-attach", _root.Path, "q", text)
            : Traced(prefix + "-sender", "queue-send", _root.Path, "q", "1", text);
        string lane = attach ? "Attached" : length <= 448 ? "Inline" : "Arena";
        Assert.Equal($"got {length} {lane} ok 1", await receiver.ReadLineAsync(TimeSpan.FromMinutes(1)));
        sender.Finish(TimeSpan.FromMinutes(1));
        receiver.Finish(TimeSpan.FromMinutes(1));
        List<TracedCall> calls = TracedCall.Read(prefix);
        Assert.Contains(calls, c => c.Name is "flock"); // The trace is one of ours.
        return calls;
    }

    private static ChildProcess Traced(string output, params string[] mode) => TracedCall.Start(output, [ChildProcess.TestProcessPath, .. mode]);
}
