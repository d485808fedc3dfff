using System.CommandLine;
using System.Globalization;

namespace OneCopy.Cli;

/// <summary>What the commands about queues have in common on the command line.</summary>
internal static class QueueArguments
{
    public static Argument<string> Queue()
    {
        Argument<string> queue = new("QUEUE") { Description = "The queue's name." };
        queue.Validators.Add(static result =>
        {
            if (result.Tokens is [{ Value: string name }] && !IsName(name))
                result.AddError($"'{name}' is no name for a queue: 1 to 200 ASCII letters, digits, '.', '-' and '_', not beginning with '.'.");
        });
        return queue;
    }

    public static Option<string?> Root() => new("--root")
    {
        Description = "The directory that queues live in. [default: $ONECOPY_ROOT, or /dev/shm/onecopy-UID]",
        HelpName = "DIR",
    };

    public static Option<bool> Json() => new("--json") { Description = "Write JSON, for programs to read." };

    public static Option<double?> Timeout(string description) => Seconds("--timeout", description);

    public static Option<double?> Seconds(string name, string description)
    {
        Option<double?> option = new(name)
        {
            Description = description,
            HelpName = "SECONDS",
            CustomParser = static result =>
            {
                string text = result.Tokens[0].Value;
                if (double.TryParse(text, NumberStyles.AllowDecimalPoint, null, out double seconds) && seconds <= 1e9)
                    return seconds;
                result.AddError($"'{text}' is not a number of seconds.");
                return null;
            },
        };
        return option;
    }

    public static TimeSpan? Span(double? seconds) => seconds is double s ? TimeSpan.FromSeconds(s) : null;

    /// <summary>A number of messages, bytes or the like.</summary>
    public static Option<int?> Number(string name, string unit, string description, int least)
    {
        Option<int?> option = new(name)
        {
            Description = description,
            HelpName = unit,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (int.TryParse(text, NumberStyles.None, null, out int number) && number >= least)
                    return number;
                result.AddError($"{name} is a number from {least} on, not '{text}'.");
                return null;
            },
        };
        return option;
    }

    // A dead-letter queue's name is longer than its queue's by the suffix.
    public static bool IsName(string name) => name is { Length: >= 1 }
        && name.Length <= (name.EndsWith(Messaging.QueueDirectory.DeadLetterSuffix, StringComparison.Ordinal) ? 205 : 200) && name[0] != '.'
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
