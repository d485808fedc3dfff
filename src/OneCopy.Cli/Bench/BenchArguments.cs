using System.CommandLine;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Bench;

/// <summary>What the benches have in common on the command line.</summary>
internal static class BenchArguments
{
    /// <summary>A list of sizes, in one word or in several.</summary>
    public static Option<long[]> Sizes(string description, long least, long most, string ofWhat) => new("--size")
    {
        Description = description,
        HelpName = "SIZE,…",
        AllowMultipleArgumentsPerToken = true,
        CustomParser = result =>
        {
            List<long> sizes = [];
            foreach (string text in result.Tokens.SelectMany(t => t.Value.Split(',', StringSplitOptions.RemoveEmptyEntries)))
            {
                if (Terminal.Sizes.TryParse(text, out long size) && size >= least && size <= most)
                    sizes.Add(size);
                else
                    result.AddError($"'{text}' is no size of {ofWhat}, such as 4KiB, 1MiB or 1GiB, up to {Terminal.Sizes.Binary(most)}.");
            }

            return [.. sizes];
        },
    };
}
