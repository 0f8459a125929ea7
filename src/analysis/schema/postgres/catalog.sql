-- Everything that migrations make, a row each: what it is, on what, its name, the table that it refers
-- to, and its definition. One line of JSON.
WITH spaces AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
), relations AS (
    SELECT c.*, CASE WHEN s.nspname = 'public' THEN c.relname ELSE s.nspname || '.' || c.relname END AS called
    FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace
    WHERE NOT EXISTS (
        SELECT 1 FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
), tables AS (
    SELECT * FROM relations WHERE relkind IN ('r', 'p', 'f')
), found (kind, on_what, name, into_what, definition) AS (
    SELECT 'schema', '', nspname, '', '' FROM spaces WHERE nspname <> 'public'
    UNION ALL
    SELECT 'extension', '', extname, '', '' FROM pg_extension WHERE extname <> 'plpgsql'
    UNION ALL
    SELECT 'table', called, called, '', concat_ws(' ', relkind, relpersistence, relreplident, relrowsecurity,
        relforcerowsecurity, reloptions::text, pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid),
        (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = t.oid))
    FROM tables t
    UNION ALL
    SELECT 'column', t.called, a.attname, '', concat_ws(' ',
        row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid),
        nullif(a.attidentity, ''), nullif(a.attgenerated, ''), l.collname, nullif(a.attstorage, y.typstorage),
        a.attoptions::text)
    FROM relations t
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation AND l.oid <> y.typcollation
    WHERE t.relkind IN ('r', 'p', 'f', 'c')
    UNION ALL
    SELECT CASE c.contype WHEN 'f' THEN 'foreign key' ELSE 'constraint' END, t.called, c.conname,
        coalesce(r.called, ''), pg_get_constraintdef(c.oid)
    FROM pg_constraint c JOIN tables t ON t.oid = c.conrelid LEFT JOIN relations r ON r.oid = c.confrelid
    WHERE c.contype <> 't'
    UNION ALL
    SELECT 'index', t.called, i.relname, '', pg_get_indexdef(i.oid) || CASE WHEN x.indisclustered THEN ' CLUSTER' ELSE '' END
    FROM pg_index x JOIN relations i ON i.oid = x.indexrelid JOIN relations t ON t.oid = x.indrelid
    UNION ALL
    SELECT 'sequence', coalesce(o.called, s.called), s.called, '', concat_ws(' ', format_type(q.seqtypid, NULL),
        q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, q.seqcycle)
    FROM relations s
    JOIN pg_sequence q ON q.seqrelid = s.oid
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    LEFT JOIN relations o ON o.oid = d.refobjid
    UNION ALL
    SELECT 'value', coalesce(o.called, s.called), s.called, '', coalesce(pg_sequence_last_value(s.oid)::text, '')
    FROM relations s
    LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid
        AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    LEFT JOIN relations o ON o.oid = d.refobjid
    WHERE s.relkind = 'S'
    UNION ALL
    SELECT 'view', called, called, '', concat_ws(' ', relkind, reloptions::text, pg_get_viewdef(oid))
    FROM relations WHERE relkind IN ('v', 'm')
    UNION ALL
    SELECT 'trigger', t.called, g.tgname, '', concat_ws(' ', g.tgenabled, pg_get_triggerdef(g.oid))
    FROM pg_trigger g JOIN relations t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
    UNION ALL
    SELECT 'policy', t.called, p.polname, '', concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[]::text,
        pg_get_expr(p.polqual, p.polrelid), 'CHECK ' || pg_get_expr(p.polwithcheck, p.polrelid))
    FROM pg_policy p JOIN relations t ON t.oid = p.polrelid
    UNION ALL
    SELECT 'rule', t.called, r.rulename, '', pg_get_ruledef(r.oid)
    FROM pg_rewrite r JOIN relations t ON t.oid = r.ev_class WHERE r.rulename <> '_RETURN'
    UNION ALL
    SELECT 'statistics', t.called, x.stxname, '', pg_get_statisticsobjdef(x.oid)
    FROM pg_statistic_ext x JOIN relations t ON t.oid = x.stxrelid
    UNION ALL
    SELECT 'comment', t.called, d.objsubid::text, '', d.description
    FROM pg_description d JOIN relations t ON d.classoid = 'pg_class'::regclass AND t.oid = d.objoid
    UNION ALL
    SELECT 'privilege', t.called, p.privilege_type || ' of ' || p.grantee::regrole, '', p.is_grantable::text
    FROM relations t, aclexplode(t.relacl) p
    UNION ALL
    SELECT 'function', CASE WHEN s.nspname = 'public' THEN p.proname ELSE s.nspname || '.' || p.proname END,
        p.oid::regprocedure::text, '',
        CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
    FROM pg_proc p JOIN spaces s ON s.oid = p.pronamespace
    WHERE NOT EXISTS (
        SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
    UNION ALL
    SELECT 'type', CASE WHEN s.nspname = 'public' THEN y.typname ELSE s.nspname || '.' || y.typname END,
        y.typname, '', concat_ws(' ', y.typtype,
        (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid),
        CASE WHEN y.typtype = 'd' THEN format_type(y.typbasetype, y.typtypmod) END,
        CASE WHEN y.typnotnull THEN 'NOT NULL' END, y.typdefault,
        (SELECT string_agg(pg_get_constraintdef(c.oid), ', ' ORDER BY c.conname) FROM pg_constraint c WHERE c.contypid = y.oid),
        (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = y.oid))
    FROM pg_type y JOIN spaces s ON s.oid = y.typnamespace
    LEFT JOIN pg_class c ON c.oid = y.typrelid
    WHERE (y.typtype IN ('d', 'e', 'r') OR y.typtype = 'c' AND c.relkind = 'c')
    AND NOT EXISTS (
        SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = y.oid AND d.deptype = 'e'
    )
    UNION ALL
    SELECT 'rows', called, '', '', (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM ONLY %s', oid::regclass), false, true, '')))[1]::text
    FROM tables WHERE relkind = 'r'
    UNION ALL
    SELECT 'content', t.called, a.attname, '', (xpath('/row/n/text()', query_to_xml(format(
        'SELECT md5(coalesce(string_agg(coalesce(%1$I::text, ''''), E''\n'' ORDER BY %1$I::text COLLATE "C"), '''')) AS n FROM ONLY %2$s',
        a.attname, t.oid::regclass), false, true, '')))[1]::text
    FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE t.relkind = 'r'
)
SELECT coalesce(json_agg(json_build_array(kind, on_what, name, into_what, definition) ORDER BY kind, on_what, name), '[]')
FROM found
