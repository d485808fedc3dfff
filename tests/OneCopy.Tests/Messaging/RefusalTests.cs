using System.Diagnostics;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>
/// Two processes, one of which may not touch the other's memory, or neither: the message comes by the best way that is left, nobody gets
/// an error, and the statistics say who was refused what.
/// </summary>
public sealed class RefusalTests : IDisposable
{
    private const string Nobody = "group=65534 user=65534";
    private const string NoReason = "";
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData("", "", "pulled 2 pushed 0 moved 0", NoReason)]
    [InlineData("", "seccomp=EPERM:read", "pulled 0 pushed 2 moved 0", "Pull EPERM Seccomp")]
    [InlineData("", "seccomp=ENOSYS:read", "pulled 0 pushed 2 moved 0", "Pull ENOSYS Seccomp")]
    [InlineData("", "seccomp=EPERM", "pulled 0 pushed 2 moved 0", "Pull EPERM Seccomp")]
    [InlineData("seccomp=EPERM", "", "pulled 2 pushed 0 moved 0", NoReason)]
    [InlineData("seccomp=ENOSYS", "", "pulled 2 pushed 0 moved 0", NoReason)]
    [InlineData("seccomp=EPERM", "seccomp=EPERM", "pulled 0 pushed 0 moved 1", "Pull EPERM Seccomp, Push EPERM Seccomp")]
    [InlineData("seccomp=ENOSYS", "seccomp=ENOSYS", "pulled 0 pushed 0 moved 1", "Pull ENOSYS Seccomp, Push ENOSYS Seccomp")]
    [InlineData("seccomp=EPERM:write", "seccomp=EPERM:read", "pulled 0 pushed 0 moved 1", "Pull EPERM Seccomp, Push EPERM Seccomp")]
    [InlineData("seccomp=ENOSYS:read", "seccomp=EPERM:read", "pulled 0 pushed 0 moved 1", "Pull EPERM Seccomp, Push ENOSYS Seccomp")]
    public async Task A_seccomp_filter(string sender, string receiver, string ways, string refused)
    {
        Requires.NoYama();
        await ExchangeAsync(sender, receiver, ways, refused);
    }

    /// <summary>A daemon that has dropped its rights is not dumpable, whether it asked for it or not.</summary>
    [Theory]
    [InlineData("dumpable=0", "dumpable=1", "pulled 0 pushed 2 moved 0", "Pull EPERM NotDumpable")]
    [InlineData("dumpable=1", "dumpable=0", "pulled 2 pushed 0 moved 0", NoReason)]
    [InlineData("dumpable=0", "dumpable=0", "pulled 0 pushed 0 moved 1", "Pull EPERM NotDumpable, Push EPERM NotDumpable")]
    public async Task A_process_that_is_not_dumpable(string sender, string receiver, string ways, string refused)
    {
        Requires.Root();
        Requires.NoYama();
        Share();
        await ExchangeAsync($"{Nobody} {sender}", $"{Nobody} {receiver}", ways, refused);
    }

    [Theory]
    [InlineData(Nobody, "")]
    [InlineData("", Nobody)]
    public async Task Another_user(string sender, string receiver)
    {
        Requires.Root();
        Share();
        using MessageQueue made = _root.Open(options: new QueueOptions { Access = QueueAccess.Group(65534) });
        await ExchangeAsync(sender, receiver, "pulled 0 pushed 0 moved 1", "Pull EPERM OtherUser");
    }

    /// <summary>It breaks the rule itself, and posts a place that this user's process must not write to, though the system would let it.</summary>
    [Fact]
    public async Task A_process_of_another_user_that_asks_for_help_gets_none_and_does_no_harm()
    {
        Requires.Root();
        Requires.NoYama();
        Share();
        await using MessageQueue made = _root.Open(options: new QueueOptions { Access = QueueAccess.Group(65534) });
        using ChildProcess receiver = ChildProcess.Start("lane-receive", "wait-at=both.pull", _root.Path, "q", "1", "reckless");
        Assert.Equal("open", await receiver.ReadLineAsync());
        using ChildProcess sender = ChildProcess.Start("lane-send", ["wait-at=help.back", .. Words(Nobody), _root.Path, "q", "1", "3000000"]);
        Assert.Equal("open", await sender.ReadLineAsync());
        Assert.Equal("at both.pull", await receiver.ReadLineAsync());
        Assert.Equal("at help.back", await sender.ReadLineAsync());
        sender.WriteLine("go on");
        receiver.WriteLine("go on");
        Assert.Equal("got 3000000 Attached ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        Assert.StartsWith("pulled 1 pushed 0 ", await receiver.ReadLineAsync(), StringComparison.Ordinal);
        sender.Finish();
        receiver.Finish();
    }

    /// <summary>From outside one reaches in, from inside not out: so it is the outer process that copies.</summary>
    [Theory]
    [InlineData(false, true, "pulled 0 pushed 2 moved 0", "Pull EPERM UserNamespace")]
    [InlineData(true, false, "pulled 2 pushed 0 moved 0", NoReason)]
    [InlineData(true, true, "pulled 0 pushed 0 moved 1", "Pull EPERM UserNamespace, Push EPERM UserNamespace")]
    public async Task A_child_user_namespace(bool sender, bool receiver, string ways, string refused)
    {
        Requires.Root();
        string[] inside = ["unshare", "--user", "--map-root-user", "--"];
        Requires.Program(inside[0], inside[1..]);
        await ExchangeAsync("", "", ways, refused, sender ? inside : [], receiver ? inside : []);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Another_pid_namespace(bool sender, bool receiver)
    {
        Requires.Root();
        string[] inside = ["unshare", "--pid", "--fork", "--kill-child", "--"];
        Requires.Program(inside[0], inside[1..]);
        await ExchangeAsync("", "", "pulled 0 pushed 0 moved 1", "Pull ESRCH PidNamespace", sender ? inside : [], receiver ? inside : []);
    }

    /// <summary>Root without CAP_SYS_PTRACE, as in a container, beside root with it.</summary>
    [Theory]
    [InlineData(false, true, "pulled 0 pushed 2 moved 0", "Pull EPERM MoreCapabilities")]
    [InlineData(true, false, "pulled 2 pushed 0 moved 0", NoReason)]
    public async Task A_process_with_more_capabilities(bool sender, bool receiver, string ways, string refused)
    {
        Requires.Root();
        string[] less = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", "--"];
        Requires.Program(less[0], less[1..]);
        await ExchangeAsync("", "", ways, refused, sender ? less : [], receiver ? less : []);
    }

    /// <summary>Between handles of one process nothing has to be asked of the kernel.</summary>
    [Theory]
    [InlineData("", "pulled 1 pushed 0 moved 0: ")]
    [InlineData("seccomp=EPERM", "pulled 0 pushed 1 moved 0: Pull EPERM Seccomp")]
    public async Task Within_one_process(string step, string ways)
    {
        using ChildProcess process = ChildProcess.Start("lane-here", [.. Words(step), _root.Path, "q", "3000000"]);
        Assert.Equal("Attached ok Attached", await process.ReadLineAsync());
        Assert.Equal(ways, await process.ReadLineAsync());
        process.Finish();
    }

    [Fact]
    public async Task A_send_that_requires_one_copy_fails_with_the_reason_where_there_is_no_way()
    {
        Requires.NoYama();
        using ChildProcess receiver = ChildProcess.Start("lane-receive", "seccomp=EPERM", _root.Path, "q", "1");
        Assert.Equal("open", await receiver.ReadLineAsync());
        using ChildProcess sender = ChildProcess.Start("lane-send", "seccomp=EPERM", _root.Path, "q", "1", "3000000", "required");
        Assert.Equal("open", await sender.ReadLineAsync());
        string error = await sender.ReadLineAsync();
        Assert.StartsWith("OneCopyException", error, StringComparison.Ordinal);
        Assert.Contains($"(process {receiver.Pid})", error, StringComparison.Ordinal);
        Assert.Contains("process_vm_readv", error, StringComparison.Ordinal);
        Assert.StartsWith("MessageWithdrawnException", await receiver.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal("pulled 0 pushed 0 moved 0: Pull EPERM Seccomp, Push EPERM Seccomp", await receiver.ReadLineAsync());
        receiver.Finish();
        sender.Finish();
    }

    [Fact]
    public async Task The_reason_is_there_in_words_for_whom_it_happened_to_and_for_others()
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open("q");
        using ChildProcess receiver = ChildProcess.Start("lane-receive", "seccomp=ENOSYS", _root.Path, "q", "1");
        Assert.Equal("open", await receiver.ReadLineAsync());
        await queue.SendAsync(new byte[100_000], cancellationToken: Ct);
        Downgrade refusal = Assert.Single(queue.Statistics.Downgrades);
        Assert.Equal((receiver.Pid, Environment.ProcessId, CopyDirection.Pull), (refusal.ParticipantPid, refusal.PeerPid, refusal.Direction));
        Assert.Equal(("ENOSYS", AccessDenialReason.Seccomp, 1), (refusal.Errno, refusal.Reason, refusal.Count));
        Assert.Contains("seccomp", refusal.Explanation, StringComparison.Ordinal);
        string shown = string.Join(' ', Words(Cli.Tool.Succeeds("queue", "stat", "q", "--root", _root.Path).Output.ReplaceLineEndings(" ")));
        Assert.Contains($"(process {receiver.Pid}) may not read the memory of participant 1 (process {Environment.ProcessId}): ENOSYS, 1 time. A seccomp filter", shown, StringComparison.Ordinal);
        Assert.Contains("1 pull and 0 pushes were refused", shown, StringComparison.Ordinal);
        Assert.Equal((1, 0, 1), (queue.Statistics.PullsRefused, queue.Statistics.PushesRefused, queue.Statistics.Pushed));
    }

    /// <summary>Payloads in memory that is gone are an error at the copy into the queue as well, and the room they had is free again.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("seccomp=EPERM:write")]
    public async Task Memory_that_is_gone_is_an_error_for_a_sender_that_copies(string step)
    {
        using ChildProcess sender = ChildProcess.Start("lane-unmap", [.. Words(step), _root.Path, "q", "100000", "never"]);
        Assert.StartsWith("OneCopyException EFAULT", await sender.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal("0 0 0", await sender.ReadLineAsync());
        sender.Finish();
    }

    [Fact]
    public async Task Where_one_receiver_pulls_another_ones_refusal_makes_no_copies()
    {
        await using MessageQueue sender = _root.Open();
        await using MessageQueue pulls = _root.Open();
        await using MessageQueue never = _root.Open("q", new QueueOptions { Attach = AttachMode.Never });
        (MessageQueue, Lane)[] each = [(pulls, Lane.Attached), (never, Lane.Arena), (pulls, Lane.Attached), (never, Lane.Arena), (never, Lane.Arena), (pulls, Lane.Arena)];
        foreach ((MessageQueue receiver, Lane lane) in each)
        {
            Task send = sender.SendAsync(new byte[100_000], cancellationToken: Ct).AsTask();
            using ReceivedMessage message = receiver.Receive(ChildProcess.Bound, Ct);
            message.ToArray(Ct);
            Assert.Equal(lane, message.Lane);
            message.Complete();
            await send.WaitAsync(ChildProcess.Bound, Ct);
        }

        // The last one was copied at once: two in a row had to be moved.
        Assert.Equal((5, 1), (sender.Statistics.Sent.Attached.Messages, sender.Statistics.Sent.Arena.Messages));
        Assert.Equal((2, 3), (sender.Statistics.Pulled, sender.Statistics.Moved));
    }

    [Theory]
    [InlineData(AttachMode.Never, Lane.Arena)]
    [InlineData(AttachMode.Required, Lane.Attached)]
    public async Task A_sender_chooses_the_lane(AttachMode mode, Lane lane)
    {
        await using MessageQueue queue = _root.Open("q", new QueueOptions { Attach = mode });
        await using MessageQueue receiver = _root.Open();
        Task send = queue.SendAsync(new byte[100_000], cancellationToken: Ct).AsTask();
        using ReceivedMessage message = receiver.Receive(ChildProcess.Bound, Ct);
        Assert.Equal(lane, message.Lane);
        message.Complete();
        await send.WaitAsync(ChildProcess.Bound, Ct);
        SendOptions survive = new() { SurviveSender = true };
        if (mode == AttachMode.Required)
            Assert.Contains("AttachThreshold", (await Assert.ThrowsAsync<ArgumentException>(() => queue.SendAsync(new byte[100_000], survive, Ct).AsTask())).Message, StringComparison.Ordinal);
        else
            await queue.SendAsync(new byte[100_000], survive, Ct);
    }

    [Fact]
    public async Task A_process_that_asks_for_it_becomes_dumpable_again()
    {
        Requires.Root();
        Requires.NoYama();
        Share();
        await ExchangeAsync(Nobody, Nobody, "pulled 2 pushed 0 moved 0", NoReason, options: "set-dumpable");
    }

    /// <summary>Two messages of the sender to the receiver, who says at the end which way they came.</summary>
    private async Task ExchangeAsync(
        string sender, string receiver, string ways, string refused, string[]? senderBehind = null, string[]? receiverBehind = null, string? options = null)
    {
        using ChildProcess to = Start(receiverBehind ?? [], "lane-receive", [.. Words(receiver), _root.Path, "q", "2"]);
        Assert.Equal("open", await to.ReadLineAsync());
        using ChildProcess from = Start(senderBehind ?? [], "lane-send", ["wait-at=send.take", .. Words(sender), _root.Path, "q", "2", "3000000", options ?? ""]);
        Assert.Equal("open", await from.ReadLineAsync());
        Assert.Equal("at send.take", await from.ReadLineAsync());
        from.WriteLine("go on");
        string lane = ways.EndsWith("moved 0", StringComparison.Ordinal) ? "Attached" : "Arena";
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal($"got 3000000 {lane} ok 1", await to.ReadLineAsync());
            Assert.Equal("sent", await from.ReadLineAsync());
        }

        Assert.Equal($"{ways}: {refused}", await to.ReadLineAsync());
        to.Finish();
        from.Finish();
    }

    private static ChildProcess Start(string[] behind, string mode, string[] arguments) => behind.Length == 0
        ? ChildProcess.Start(mode, arguments)
        : ChildProcess.StartProgram(behind[0], [.. behind[1..], DotnetHost.Path, ChildProcess.TestProcessPath, mode, .. arguments]);

    private static string[] Words(string steps) => steps.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Opens root, queue and files to all users and to nobody's group, as somebody does who shares a queue between users.</summary>
    private void Share()
    {
        Directory.CreateDirectory(_root.Path);
        using Process open = Process.Start("sh", ["-c", "chown -R :65534 \"$1\" && chmod -R a+rwX \"$1\"", "sh", _root.Path]);
        open.WaitForExit();
        Assert.Equal(0, open.ExitCode);
    }
}
