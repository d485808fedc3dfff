using Spectre.Console;
using Spectre.Console.Rendering;

namespace OneCopy.Cli.Terminal;

/// <summary>Tables and progress bars where a person watches, plain text where a program reads.</summary>
internal static class Screen
{
    // Spectre measures a terminal; a pipe has no width, and 80 would cut paths.
    private const int PipeWidth = 400;

    /// <summary>Writes a table to standard output; without a terminal with no colours, frames, wrapping, nor blanks at the ends of lines.</summary>
    public static void Write(Table table)
    {
        if (!Console.IsOutputRedirected)
        {
            Create(Console.Out, redirected: false).Write(table);
            return;
        }

        using StringWriter text = new();
        Create(text, redirected: true).Write(table.Border(TableBorder.None));
        foreach (string line in text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries))
            Console.WriteLine(line.TrimEnd());
    }

    /// <summary>Writes a line of Spectre's markup to standard output; without a terminal, the bare text, however long.</summary>
    public static void WriteLine(string markup)
    {
        if (Console.IsOutputRedirected)
            Console.WriteLine(Markup.Remove(markup));
        else
            Create(Console.Out, redirected: false).MarkupLine(markup);
    }

    /// <summary>
    /// Shows what <paramref name="next"/> gives, again after each pause, until cancelled or null: in place on a terminal, one below the other elsewhere.
    /// </summary>
    public static async Task WatchAsync(TimeSpan pause, Func<IReadOnlyList<IRenderable>?> next, CancellationToken ct)
    {
        using PeriodicTimer timer = new(pause);
        IReadOnlyList<IRenderable>? parts = next();
        if (Console.IsOutputRedirected)
        {
            do
            {
                Write(parts ?? []);
            }
            while (await timer.WaitForNextTickAsync(ct) && (parts = next()) is not null);
            return;
        }

        await Create(Console.Out, redirected: false).Live(new Rows(parts ?? [])).Overflow(VerticalOverflow.Crop).StartAsync(async context =>
        {
            while (await timer.WaitForNextTickAsync(ct) && (parts = next()) is not null)
                context.UpdateTarget(new Rows(parts));
        });
    }

    /// <summary>Tables and lines, one below the other.</summary>
    public static void Write(IReadOnlyList<IRenderable> parts)
    {
        foreach (IRenderable part in parts)
        {
            if (part is Table table)
                Write(table);
            else
                Create(Console.Out, Console.IsOutputRedirected).Write(part);
        }
    }

    /// <summary>A table in the style of all commands; numbers are for the right-hand side.</summary>
    public static Table Table(params ReadOnlySpan<string> columns)
    {
        Table table = new();
        table.Border(TableBorder.Rounded);
        foreach (string column in columns)
        {
            bool right = column.StartsWith('>');
            TableColumn header = new(Markup.Escape(right ? column[1..] : column));
            if (right)
                header.RightAligned();
            table.AddColumn(header);
        }

        return table;
    }

    /// <summary>Runs work that takes long with a bar on standard error, if a person is there to see it.</summary>
    /// <param name="title">What is being done.</param>
    /// <param name="total">The units that the work will report in all.</param>
    /// <param name="quiet">No bar in any case.</param>
    /// <param name="work">Gets what to call with each piece done, and with what comes next (or null).</param>
    public static async Task<T> WithProgressAsync<T>(string title, double total, bool quiet, Func<Action<double, string?>, Task<T>> work)
    {
        if (quiet || Console.IsErrorRedirected)
            return await work((_, _) => { });
        T result = default!;
        await Create(Console.Error, redirected: false).Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: Math.Max(total, 1));
                result = await work((done, next) =>
                {
                    task.Increment(done);
                    if (next is not null)
                        task.Description = Markup.Escape(next);
                });
            });
        return result;
    }

    private static IAnsiConsole Create(TextWriter writer, bool redirected)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = redirected ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = redirected ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Interactive = redirected ? InteractionSupport.No : InteractionSupport.Detect,
        });
        if (redirected)
            console.Profile.Width = PipeWidth;
        return console;
    }
}
