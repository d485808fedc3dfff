using OneCopy.Messaging;

namespace OneCopy.TestProcess;

/// <summary>
/// One process of a row of the crash matrix: victim, survivor, or one that prepares what the victim meets. Does as its lines say; the
/// commands of one line are done one after the other.
/// </summary>
internal sealed partial class CrashActor(int number)
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    private readonly List<ReceivedMessage> _held = [];
    private CrashAccount _account = new(number);
    private string[] _place = [];
    private QueueOptions _options = new();
    private MessageQueue? _queue;
    private SendBuffer _rented;
    private CancellationTokenSource _cancel = new();
    private Task _attached = Task.CompletedTask;

    private MessageQueue Queue => _queue ?? throw new InvalidOperationException("No queue is open.");

    public string Execute(string line)
    {
        string answer = "";
        foreach (string command in line.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (Execute(words[0], words[1..]) is { Length: > 0 } said)
                answer = said;
        }

        return answer;
    }

    private string? Execute(string verb, string[] args) => verb switch
    {
        "row" => Begin(args),
        "at-crash" => Do(CrashBoard.AwaitCrash),
        "arm" => Do(() => CrashArm.Arm(args[0], args[1], int.Parse(args[2]))),
        "die" => Do(() => CrashArm.Arm("die", args[0], int.Parse(args[1]))),
        "record" => Do(CrashArm.Record),
        "recorded" => CrashArm.Recorded,
        "wait-at" => Do(() => CrashArm.WaitAt(args[0])),
        "recover-late" => Do(() => CrashArm.RecoverLate(args[0] is "on")),
        "open" => Open(),
        "no-push" => NoPush(),
        "close" => Close(),
        "delete" => MessageQueue.Delete(args.Length > 0 ? args[0] : _place[1], _place[0]) ? "deleted" : "none",
        "try-delete" => TryDelete(),
        "delete-if-unused" => DeleteIfUnused(),
        "join-once" => JoinOnce(),
        "statistics" => Statistics(),
        "pins" => $"{AttachedSends()} {Awaiters()}",
        "report" => _account.Report,
        "control" => $"{WorstDelay():F1}",
        "beats" => Beats(args[0]),
        "take" => Take(args[0]),
        _ => Send(verb, args) ?? Answer(verb, args),
    };

    private static string? Do(Action action)
    {
        action();
        return null;
    }

    /// <summary>ROOT NAME [OPTION=VALUE]…: a new row; forgets all of the one before.</summary>
    private string? Begin(string[] args)
    {
        Close();
        CrashArm.RecoverLate(false);
        CrashArm.WaitAt(null);
        _place = args[..2];
        _account = new CrashAccount(number) { SaysAtOnce = args.Contains("aloud") };
        _options = new QueueOptions { Root = args[0] };
        _pullIsRefused = false;
        _pullIsKnown = false;
        MessageQueue.Stages = false;
        foreach (string[] option in args[2..].Select(a => a.Split('=')))
        {
            int value = option.Length == 2 ? int.Parse(option[1]) : 0;
            _options = option[0] switch
            {
                "ring" => _options with { RingCapacity = value },
                "blocks" => _options with { Blocks = value },
                "arena" => _options with { ArenaLimit = value },
                "attempts" => _options with { MaxDeliveryAttempts = value },
                "no-attach" => _options with { Attach = AttachMode.Never },
                "no-pull" => NoPull(),
                "knows-pull" => KnowPull(),
                "stages" => Stage(),
                "sleep" => _options with { WaitStrategy = WaitStrategy.Sleep },
                "aloud" => _options,
                _ => throw new ArgumentException($"No option \"{option[0]}\"."),
            };
        }

        return null;
    }

    private QueueOptions Stage()
    {
        MessageQueue.Stages = true;
        return _options;
    }

    private string Open()
    {
        _queue = MessageQueue.Open(_place[1], _options);
        return $"{_queue.ParticipantIndex}";
    }

    /// <summary>A queue that is in use.</summary>
    private string TryDelete()
    {
        try
        {
            MessageQueue.Delete(_place[1], _place[0]);
        }
        catch (OneCopyException e) when (e.Message.Contains(" is open in process ", StringComparison.Ordinal))
        {
            return "refused";
        }

        throw new InvalidOperationException("A queue that is in use was deleted.");
    }

    /// <summary>A queue that others may have begun to use meanwhile.</summary>
    private string DeleteIfUnused()
    {
        try
        {
            return MessageQueue.Delete(_place[1], _place[0]) ? "deleted" : "none";
        }
        catch (OneCopyException e) when (e.Message.Contains(" is open in process ", StringComparison.Ordinal))
        {
            return "refused";
        }
    }

    /// <summary>Whether the queue takes one more: how long that lasts, in milliseconds.</summary>
    private string JoinOnce()
    {
        long before = CrashBoard.Now;
        using MessageQueue another = MessageQueue.Open(_place[1], _options);
        return $"{(CrashBoard.Now - before) / 1e6:F1}";
    }

    private string? Close()
    {
        Beats("off");
        Take("off");
        _queue?.Dispose();
        _queue = null;
        _held.Clear();
        _rented = default;
        _cancel = new CancellationTokenSource();
        return null;
    }

    private string? Statistics()
    {
        QueueStatistics s = Queue.Statistics;
        return $"{s.Queued} {s.Leased} {s.Participants.Count} {s.LostWithSender} {s.Withdrawn}";
    }

    // How many sends of this handle still hold a payload, and how many waits are remembered.
    private int AttachedSends() => AttachedOf(Queue).Count;

    private int Awaiters() => AwaitersOf(Queue).Sum(a => a.Count);

    [System.Runtime.CompilerServices.UnsafeAccessor(System.Runtime.CompilerServices.UnsafeAccessorKind.Field, Name = "_attached")]
    private static extern ref List<AttachedSend> AttachedOf(MessageQueue queue);

    [System.Runtime.CompilerServices.UnsafeAccessor(System.Runtime.CompilerServices.UnsafeAccessorKind.Field, Name = "_awaiters")]
    private static extern ref LinkedList<RingAwaiter>[] AwaitersOf(MessageQueue queue);
}
