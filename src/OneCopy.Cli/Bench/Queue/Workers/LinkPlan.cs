namespace OneCopy.Cli.Bench.Queue.Workers;

/// <summary>What one end of a link is to do, as it is said to a worker in a line.</summary>
/// <param name="Way">One of <see cref="Ways"/>.</param>
/// <param name="Role">What this end does.</param>
/// <param name="Bytes">Of each message.</param>
/// <param name="Root">The directory of the queues.</param>
/// <param name="Name">Of the queue; round trips have a second one for the way back.</param>
internal sealed record LinkPlan(string Way, Role Role, long Bytes, string Root, string Name)
{
    private const int Words = 5;

    public bool IsRoundTrip => Role is Role.Client or Role.Server;

    /// <summary>The end that the first message starts from.</summary>
    public bool IsFirst => Role is Role.Sender or Role.Client;

    public string Back => Name + "-back";

    public static LinkPlan Parse(string[] words) => words.Length >= Words
        ? new LinkPlan(Uri.UnescapeDataString(words[0]), Enum.Parse<Role>(words[1]), long.Parse(words[2]), Uri.UnescapeDataString(words[3]), words[4])
        : throw new IOException($"What is \"{string.Join(' ', words)}\"?");

    public override string ToString() => $"{Uri.EscapeDataString(Way)} {Role} {Bytes} {Uri.EscapeDataString(Root)} {Name}";

    public Link Open() => Way switch
    {
        Ways.Pipes => new PipeLink(this),
        Ways.Async => new AsyncLink(this),
        Ways.Batch => new BatchLink(this),
        Ways.Into or Ways.IntoSpin => new IntoLink(this),
        Ways.IntoBatch => new IntoBatchLink(this),
        Ways.InPlace => new InPlaceLink(this),
        _ => new QueueLink(this),
    };
}

/// <summary>What one end does.</summary>
internal enum Role
{
    Sender,
    Receiver,
    Client,
    Server,
}

/// <summary>The ways that workers know.</summary>
internal static class Ways
{
    public const string OneByOne = "one-by-one";
    public const string Batch = "batch";
    public const string Into = "into";
    public const string IntoBatch = "into-batch";
    public const string IntoSpin = "into-spin";
    public const string Async = "async";
    public const string Pooled = "pooled";
    public const string InPlace = "in-place";
    public const string Spin = "spin";
    public const string Sleep = "sleep";
    public const string Pipes = "pipes";
}
