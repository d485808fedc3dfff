namespace OneCopy.Cli.Copy;

/// <summary>What <c>cp</c> was asked for.</summary>
internal sealed class CopySettings
{
    public List<string> Paths { get; } = [];

    public FileCopyOptions Options { get; set; } = new() { Preserve = FileMetadata.All, Links = SymbolicLinks.Keep };

    public bool DryRun { get; set; }

    public bool Json { get; set; }

    public string? Complaint => Paths.Count switch
    {
        0 => "What, and where to? SOURCE… DESTINATION.",
        1 => $"Where to? There is only {Terminal.Printable.Text(Paths[0])}: SOURCE… DESTINATION.",
        _ => null,
    };

    /// <summary>
    /// Reads a command line in which nothing is wrong, without the library that the other commands are read with: to load that takes longer than to copy a
    /// small file. Null: something is wrong with it, or asks for help, and that library is to say it.
    /// </summary>
    public static CopySettings? TryRead(ReadOnlySpan<string> arguments)
    {
        CopySettings settings = new();
        List<CopyOption> seen = [];
        bool optionsEnd = false;
        for (int i = 0; i < arguments.Length; i++)
        {
            string text = arguments[i];
            if (optionsEnd || text is "-" || !text.StartsWith('-'))
            {
                settings.Paths.Add(text);
                continue;
            }

            if (text is "--")
            {
                optionsEnd = true;
                continue;
            }

            int sign = text.IndexOf('=', StringComparison.Ordinal);
            CopyOption? option = CopyOption.Named(sign < 0 ? text : text[..sign]);
            if (option is null || seen.Contains(option) || (option.IsFlag && sign >= 0) || (!option.IsFlag && sign < 0 && i + 1 == arguments.Length))
                return null;
            seen.Add(option);
            string value = option.IsFlag ? "" : sign >= 0 ? text[(sign + 1)..] : arguments[++i];
            if (option.Apply(settings, value) is not null)
                return null;
        }

        return settings.Complaint is null ? settings : null;
    }
}
